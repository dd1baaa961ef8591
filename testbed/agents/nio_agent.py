"""A person's Matrix client on matrix-nio, driven over standard input and output.

An implementation of Matrix and of its cryptography that shares nothing with the Rust and JavaScript libraries. The
protocol, which js.mjs speaks too, is described in ../src/agents/wire.rs.
"""

import asyncio
import json
import sys

import nio

TIMELINE_LIMIT = 5000
SYNC_MS = 30_000
RETRY_SECONDS = 0.25
GIVE_UP_SECONDS = 120
SYNC_FILTER = {"room": {"timeline": {"limit": TIMELINE_LIMIT}}}


def say(line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def describe(room_id, event, redacted=False):
    source = event.source
    content = source.get("content", {})
    return {
        "room_id": room_id,
        "event_id": event.event_id,
        "sender": event.sender,
        "kind": source["type"],
        "content": content,
        "relates_to": content.get("m.relates_to"),
        "transaction_id": source.get("unsigned", {}).get("transaction_id"),
        "timestamp": event.server_timestamp,
        "encrypted": event.decrypted or isinstance(event, nio.MegolmEvent),
        "readable": not isinstance(event, nio.MegolmEvent),
        "redacted": redacted or isinstance(event, nio.RedactedEvent),
        "shield": None,
    }


class Agent:
    def __init__(self):
        self.client = None
        self.timelines = {}
        self.summaries = {}
        self.locks = {}

    async def start(self, homeserver, user, password, auto_join, store):
        config = nio.AsyncClientConfig(
            encryption_enabled=True, store_sync_tokens=False, backoff_factor=0.1, max_timeout_retry_wait_time=1
        )
        self.client = nio.AsyncClient(homeserver, user, store_path=store, config=config)
        answer = await self.client.login(password, device_name="matrix-nio")
        if not isinstance(answer, nio.LoginResponse):
            raise RuntimeError(f"login refused: {answer}")
        await self.client.keys_upload()
        await self.sync(auto_join, timeout=0, full_state=True)
        asyncio.ensure_future(self.sync_on(auto_join))
        return {"user_id": answer.user_id, "device_id": answer.device_id, "access_token": answer.access_token}

    async def sync_on(self, auto_join):
        while True:
            try:
                await self.sync(auto_join, timeout=SYNC_MS)
            except Exception as error:  # noqa: BLE001  said, so that the test sees it
                say({"trouble": repr(error)})
                await asyncio.sleep(RETRY_SECONDS)

    async def sync(self, auto_join, **how):
        client = self.client
        answer = await client.sync(sync_filter=SYNC_FILTER, **how)
        if not isinstance(answer, nio.SyncResponse):
            # A homeserver that is going down answers with an error for a moment.
            await asyncio.sleep(RETRY_SECONDS)
            return
        for room_id, room in answer.rooms.join.items():
            if room.timeline.limited and room_id in self.timelines:
                say({"trouble": f"a gap in the timeline of {room_id}"})
            for event in room.timeline.events:
                self.keep(room_id, event)
            for event in room.ephemeral:
                self.hear(room_id, event)
        if any(isinstance(event, nio.RoomKeyEvent) for event in answer.to_device_events):
            self.decrypt_again()
        if client.should_upload_keys:
            await client.keys_upload()
        if client.should_query_keys:
            await client.keys_query()
        if client.should_claim_keys:
            await client.keys_claim(client.get_users_for_key_claiming())
        await client.send_to_device_messages()
        for room_id in answer.rooms.join:
            self.say_room(room_id, "join")
        for room_id in answer.rooms.leave:
            self.say_room(room_id, "leave")
        for room_id in answer.rooms.invite:
            self.say_room(room_id, "invite")
            if auto_join:
                await client.join(room_id)

    def keep(self, room_id, event):
        timeline = self.timelines.setdefault(room_id, {})
        redacted = False
        if isinstance(event, nio.RedactionEvent) and event.redacts in timeline:
            earlier, _ = timeline[event.redacts]
            timeline[event.redacts] = (earlier, True)
            say({"message": describe(room_id, earlier, True)})
        timeline[event.event_id] = (event, redacted)
        say({"message": describe(room_id, event, redacted)})

    def decrypt_again(self):
        for room_id, timeline in self.timelines.items():
            for event_id, (event, redacted) in timeline.items():
                if not isinstance(event, nio.MegolmEvent):
                    continue
                try:
                    readable = self.client.decrypt_event(event)
                except nio.EncryptionError:
                    continue
                timeline[event_id] = (readable, redacted)
                say({"message": describe(room_id, readable, redacted)})

    def hear(self, room_id, event):
        if isinstance(event, nio.ReceiptEvent):
            for receipt in event.receipts:
                if receipt.receipt_type == "m.read":
                    said = {"room_id": room_id, "user_id": receipt.user_id, "event_id": receipt.event_id}
                    say({"receipt": said})
        elif isinstance(event, nio.TypingNoticeEvent):
            say({"typing": {"room_id": room_id, "users": event.users}})

    def say_room(self, room_id, membership):
        room = self.client.rooms.get(room_id) or self.client.invited_rooms.get(room_id)
        before = self.summaries.get(room_id)
        if room is None and before is None:
            return
        summary = dict(before or {}, membership=membership)
        if room is not None:
            summary |= {
                "room_id": room_id,
                "name": room.display_name,
                "topic": room.topic,
                "space": room.room_type == "m.space",
                "encrypted": room.encrypted,
                "members": sorted(user for user in room.users if user not in room.invited_users),
            }
        if summary != before:
            self.summaries[room_id] = summary
            say({"room": summary})

    async def send(self, room_id, kind, content, transaction_id):
        async with self.locks.setdefault(room_id, asyncio.Lock()):
            end = asyncio.get_running_loop().time() + GIVE_UP_SECONDS
            while True:
                answer = await self.client.room_send(
                    room_id, kind, content, tx_id=transaction_id, ignore_unverified_devices=True
                )
                if isinstance(answer, nio.RoomSendResponse):
                    return {"event_id": answer.event_id}
                # The homeserver is down or overloaded: the same transaction again, so that it cannot come twice.
                code = getattr(answer, "status_code", None) or ""
                refused = code.startswith("M_") and code not in ("M_UNKNOWN", "M_LIMIT_EXCEEDED")
                if refused or asyncio.get_running_loop().time() > end:
                    raise RuntimeError(f"not sent: {answer}")
                await asyncio.sleep(RETRY_SECONDS)

    async def timeline(self, room_id):
        timeline = self.timelines.get(room_id, {})
        return [describe(room_id, event, redacted) for event, redacted in timeline.values()]

    async def trust(self, user_id):
        raise RuntimeError("matrix-nio knows nothing of cross-signing")


async def answer(agent, line):
    request = json.loads(line)
    try:
        ok = await getattr(agent, request["command"])(**request["arguments"])
        say({"reply": {"id": request["id"], "ok": ok}})
    except Exception as error:  # noqa: BLE001  the asker decides what it means
        say({"reply": {"id": request["id"], "error": f"{type(error).__name__}: {error}"}})


async def main():
    agent = Agent()
    requests = asyncio.StreamReader(limit=1 << 24)
    protocol = asyncio.StreamReaderProtocol(requests)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    running = set()
    while line := await requests.readline():
        task = asyncio.ensure_future(answer(agent, line))
        running.add(task)
        task.add_done_callback(running.discard)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    if agent.client:
        await agent.client.close()


asyncio.run(main())

// A person's Matrix client on matrix-js-sdk, driven over standard input and output. The protocol, which nio_agent.py
// speaks too, is described in ../src/agents/wire.rs.

import { createInterface } from "node:readline";
import * as sdk from "matrix-js-sdk";
import { CryptoEvent } from "matrix-js-sdk/lib/crypto-api/index.js";
import { logger } from "matrix-js-sdk/lib/logger.js";

const TIMELINE_LIMIT = 5000;
const RETRY_MS = 250;
const GIVE_UP_MS = 120_000;
const SHIELDS = ["none", "grey", "red"];

// Standard output carries the protocol alone.
for (const level of ["log", "info", "debug", "warn", "trace"]) console[level] = (...said) => console.error(...said);
logger.setLevel("silent");

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let client;
let crypto;
/** The last summary said of each room, so that only changes are said. */
const summaries = new Map();
/** Who types in each room, as it was said last. */
const typers = new Map();
/** The end of each room's queue of sends: what is sent first arrives first. */
const queues = new Map();

async function describe(event) {
    const encryption = event.isEncrypted() ? await crypto.getEncryptionInfoForEvent(event) : null;
    return {
        room_id: event.getRoomId(),
        event_id: event.getId(),
        sender: event.getSender(),
        kind: event.getType(),
        content: event.getOriginalContent(),
        relates_to: event.getWireContent()["m.relates_to"] ?? null,
        transaction_id: event.getUnsigned().transaction_id ?? null,
        timestamp: event.getTs(),
        encrypted: event.isEncrypted(),
        readable: !event.isEncrypted() || (event.getClearContent() !== null && !event.isDecryptionFailure()),
        redacted: event.isRedacted(),
        shield: encryption && { colour: SHIELDS[encryption.shieldColour], reason: encryption.shieldReason },
    };
}

async function sayMessage(event) {
    // A local echo has no id of the server's yet; it is said once it has.
    if (event.status !== null || !event.getId()?.startsWith("$")) return;
    await event.getDecryptionPromise();
    say({ message: await describe(event) });
}

function sayRoom(room) {
    const summary = {
        room_id: room.roomId,
        name: room.name,
        topic: room.currentState.getStateEvents("m.room.topic", "")?.getContent().topic ?? null,
        space: room.isSpaceRoom(),
        encrypted: room.hasEncryptionStateEvent(),
        membership: room.getMyMembership(),
        members: room.getJoinedMembers().map((member) => member.userId).sort(),
        unread: room.getUnreadNotificationCount(sdk.NotificationCountType.Total) ?? 0,
    };
    const said = JSON.stringify(summary);
    if (summaries.get(room.roomId) === said) return;
    summaries.set(room.roomId, said);
    say({ room: summary });
}

function sayTyping(room) {
    const typing = room.currentState.getMembers().filter((member) => member.typing);
    const users = typing.map((member) => member.userId).sort();
    const said = users.join();
    if ((typers.get(room.roomId) ?? "") === said) return;
    typers.set(room.roomId, said);
    say({ typing: { room_id: room.roomId, users } });
}

function sayReceipts(event, room) {
    for (const [event_id, kinds] of Object.entries(event.getContent())) {
        for (const user_id of Object.keys(kinds["m.read"] ?? {})) {
            say({ receipt: { room_id: room.roomId, user_id, event_id } });
        }
    }
}

function listen(autoJoin) {
    const trouble = (error) => say({ trouble: String(error?.stack ?? error) });
    const message = (event) => sayMessage(event).catch(trouble);
    const room = (id) => {
        const known = client.getRoom(id);
        if (known) sayRoom(known);
    };
    client.on(sdk.RoomEvent.Timeline, message);
    client.on(sdk.RoomEvent.LocalEchoUpdated, message);
    client.on(sdk.MatrixEventEvent.Decrypted, message);
    client.on(sdk.RoomEvent.Redaction, (event, inRoom) => {
        const redacted = inRoom.findEventById(event.event.redacts ?? event.getContent().redacts);
        if (redacted) message(redacted);
    });
    client.on(sdk.RoomEvent.TimelineReset, (inRoom) => {
        if (summaries.has(inRoom?.roomId)) trouble(`a gap in the timeline of ${inRoom.roomId}`);
    });
    client.on(sdk.RoomEvent.Receipt, sayReceipts);
    client.on(sdk.RoomEvent.Name, sayRoom);
    client.on(sdk.RoomStateEvent.Events, (event) => room(event.getRoomId()));
    client.on(sdk.RoomStateEvent.Members, (event) => room(event.getRoomId()));
    // After a gap the members tell nothing of their typing any more; what they do is looked at instead.
    client.on(sdk.ClientEvent.Sync, () => client.getRooms().forEach(sayTyping));
    client.on(sdk.ClientEvent.Sync, () => client.getRooms().forEach(sayRoom));
    client.on(sdk.RoomEvent.UnreadNotifications, () => client.getRooms().forEach(sayRoom));
    client.on(sdk.RoomEvent.MyMembership, (changed, membership) => {
        sayRoom(changed);
        if (autoJoin && membership === "invite") client.joinRoom(changed.roomId).catch(trouble);
    });
    // A sender's keys may come after the message: its shield is another one then.
    client.on(CryptoEvent.DevicesUpdated, (users) => {
        for (const known of client.getRooms()) {
            for (const event of known.getLiveTimeline().getEvents()) {
                if (event.isEncrypted() && users.includes(event.getSender())) message(event);
            }
        }
    });
    client.on(sdk.ClientEvent.Sync, (state) => {
        if (state === "PREPARED") for (const known of client.getRooms()) sayRoom(known);
    });
    // A person would see "connection lost" and click; the library's own wait grows to many seconds.
    setInterval(() => client.retryImmediately(), RETRY_MS).unref();
}

const until = (emitter, name, accepts) =>
    new Promise((resolve) => {
        const listener = (...facts) => {
            if (!accepts(...facts)) return;
            emitter.off(name, listener);
            resolve();
        };
        emitter.on(name, listener);
    });

async function send({ room_id, kind, content, transaction_id }) {
    const room = client.getRoom(room_id);
    if (!room) throw new Error(`not in the room ${room_id}`);
    const end = Date.now() + GIVE_UP_MS;
    for (let event = null; ; event = room.getEventForTxnId(transaction_id)) {
        try {
            const sent = await (event
                ? client.resendEvent(event, room)
                : client.sendEvent(room_id, kind, content, transaction_id));
            return { event_id: sent.event_id };
        } catch (error) {
            // The homeserver is down or overloaded: the same transaction again, so that it cannot come twice.
            const refused = error?.httpStatus >= 400 && error.httpStatus < 500 && error.httpStatus !== 429;
            if (refused || Date.now() > end) throw error;
            await pause(RETRY_MS);
        }
    }
}

const commands = {
    async start({ homeserver, user, password, auto_join }) {
        const identifier = { type: "m.id.user", user };
        const login = await new sdk.MatrixClient({ baseUrl: homeserver }).loginRequest({
            type: "m.login.password",
            identifier,
            password,
            initial_device_display_name: "matrix-js-sdk",
        });
        client = new sdk.MatrixClient({
            baseUrl: homeserver,
            accessToken: login.access_token,
            userId: login.user_id,
            deviceId: login.device_id,
            store: new sdk.MemoryStore(),
            timelineSupport: true,
        });
        client.setMaxListeners(0);
        await client.initRustCrypto({ useIndexedDB: false });
        crypto = client.getCrypto();
        await crypto.bootstrapCrossSigning({
            setupNewCrossSigning: true,
            authUploadDeviceSigningKeys: (request) => request({ type: "m.login.password", identifier, password }),
        });
        listen(auto_join);
        const ready = until(client, sdk.ClientEvent.Sync, (state) => state === "PREPARED");
        const filter = sdk.Filter.fromJson(login.user_id, "", { room: { timeline: { limit: TIMELINE_LIMIT } } });
        await client.startClient({
            initialSyncLimit: TIMELINE_LIMIT,
            filter,
            pendingEventOrdering: sdk.PendingEventOrdering.Detached,
        });
        await ready;
        return { user_id: login.user_id, device_id: login.device_id, access_token: login.access_token };
    },

    send(request) {
        const before = queues.get(request.room_id) ?? Promise.resolve();
        const sent = before.catch(() => {}).then(() => send(request));
        queues.set(request.room_id, sent);
        return sent;
    },

    async timeline({ room_id }) {
        const room = client.getRoom(room_id);
        if (!room) throw new Error(`not in the room ${room_id}`);
        while (room.oldState.paginationToken) await client.scrollback(room, TIMELINE_LIMIT);
        const events = room.getLiveTimeline().getEvents();
        await Promise.all(events.map((event) => event.getDecryptionPromise()));
        return Promise.all(events.map(describe));
    },

    async trust({ user_id }) {
        const cross_signing = await crypto.userHasCrossSigningKeys(user_id, true);
        const known = (await crypto.getUserDeviceInfo([user_id], true)).get(user_id) ?? new Map();
        const devices = [];
        for (const device_id of known.keys()) {
            const status = await crypto.getDeviceVerificationStatus(user_id, device_id);
            devices.push({ device_id, signed_by_owner: status?.signedByOwner ?? false });
        }
        return { cross_signing, devices };
    },
};

async function answer(line) {
    const { id, command, arguments: given } = JSON.parse(line);
    try {
        say({ reply: { id, ok: (await commands[command](given)) ?? null } });
    } catch (error) {
        say({ reply: { id, error: String(error?.message ?? error) } });
    }
}

process.on("unhandledRejection", (error) => say({ trouble: String(error?.stack ?? error) }));
createInterface({ input: process.stdin }).on("line", answer).on("close", () => process.exit(0));

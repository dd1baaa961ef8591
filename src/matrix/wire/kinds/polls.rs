//! Polls (MSC3381), in the form that clients send and draw today; the stable form is read as well.

use serde_json::{Value, json};

use crate::domain::MatrixEventId;
use crate::domain::details::Poll;
use crate::domain::matrix::RoomEventKind;
use crate::domain::shown::RoomPoll;

/// Types of the events.
pub const START: &str = "org.matrix.msc3381.poll.start";
pub const RESPONSE: &str = "org.matrix.msc3381.poll.response";
pub const END: &str = "org.matrix.msc3381.poll.end";
/// Key of a text within an extensible event (MSC1767).
const TEXT: &str = "org.matrix.msc1767.text";
/// A poll whose votes everybody sees at once, as WhatsApp's.
const DISCLOSED: &str = "org.matrix.msc3381.poll.disclosed";
/// Most answers that are read of one poll; the MSC allows 20. What has more is refused by WhatsApp's own limit.
const MAX_ANSWERS: usize = 40;
/// Longest id of an answer, in bytes; each is stored with the message.
const MAX_ID_BYTES: usize = 255;

/// Builds the content of a poll. `author` is put before the question if the speaker has no user of their own.
pub fn start(poll: &RoomPoll, author: Option<&str>) -> Value {
    let with_author = |text: &str| author.map_or_else(|| text.to_owned(), |author| format!("{author}: {text}"));
    let answer = |(number, option): (usize, &String)| json!({"id": number.to_string(), TEXT: option});
    let answers: Vec<Value> = poll.options.iter().enumerate().map(answer).collect();
    let most = match poll.selectable {
        0 => answers.len(),
        most => most as usize,
    };
    let question = with_author(&poll.question);
    json!({
        START: {
            "question": {TEXT: question, "body": question, "msgtype": "m.text"},
            "kind": DISCLOSED,
            "max_selections": most,
            "answers": answers,
        },
        TEXT: with_author(&poll.line),
    })
}

/// Builds the content of a vote.
pub fn response(of: &MatrixEventId, options: &[String]) -> Value {
    json!({
        "m.relates_to": {"rel_type": "m.reference", "event_id": of.as_str()},
        RESPONSE: {"answers": options},
    })
}

/// Reads a poll. `reply_to`: the event that it replies to.
pub fn read(content: &Value, reply_to: Option<&str>) -> RoomEventKind {
    poll(content).map_or_else(
        || RoomEventKind::Unsupported("poll".to_owned()),
        |poll| RoomEventKind::Poll {
            poll: Box::new(poll),
            reply_to: reply_to.map(MatrixEventId::from),
        },
    )
}

/// Reads a vote, or the end of a poll.
pub fn read_vote(content: &Value, is_end: bool) -> RoomEventKind {
    let Some(of) = content["m.relates_to"]["event_id"].as_str() else {
        return RoomEventKind::Other;
    };
    let of = MatrixEventId::from(of);
    if is_end {
        RoomEventKind::PollEnd { of }
    } else {
        RoomEventKind::Vote { of }
    }
}

fn poll(content: &Value) -> Option<Poll> {
    let start = content.get(START).or_else(|| content.get("m.poll"))?;
    let question = text(&start["question"])?;
    let answers = start["answers"].as_array()?;
    let mut options = vec![];
    let mut ids = vec![];
    for answer in answers.iter().take(MAX_ANSWERS) {
        let id = answer["id"].as_str().or_else(|| answer["m.id"].as_str())?;
        if id.len() > MAX_ID_BYTES {
            return None;
        }
        ids.push(id.to_owned());
        options.push(text(answer)?);
    }
    let most = start["max_selections"].as_u64().unwrap_or(1).max(1);
    Some(Poll {
        question,
        options,
        selectable: u32::try_from(most).unwrap_or(0),
        votes: vec![],
        ids,
    })
}

/// Returns the text of an extensible event, in its early or its stable form.
fn text(value: &Value) -> Option<String> {
    let stable = || value["m.text"].as_array()?.iter().find_map(|one| one["body"].as_str());
    let text = value[TEXT].as_str().or_else(stable).or_else(|| value["body"].as_str());
    text.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::matrix::{RoomContent, TxnId};
    use crate::matrix::wire::content::{Outgoing, outgoing};

    fn shown() -> RoomPoll {
        RoomPoll {
            question: "When?".to_owned(),
            options: vec!["nine".to_owned(), "ten".to_owned()],
            selectable: 1,
            line: "[poll: When?] nine · ten".to_owned(),
        }
    }

    fn sent(poll: RoomPoll, author: Option<&str>) -> Value {
        let content = RoomContent::Poll {
            poll,
            reply_to: Some("$q".into()),
        };
        let Outgoing { kind, content } = outgoing(&content, author, &TxnId("i.1.0".to_owned()));
        assert_eq!(kind, START);
        content
    }

    #[test]
    fn poll_has_answers_fallback_and_author() {
        assert_eq!(
            sent(shown(), Some("Ada")),
            json!({
                START: {
                    "question": {TEXT: "Ada: When?", "body": "Ada: When?", "msgtype": "m.text"},
                    "kind": DISCLOSED,
                    "max_selections": 1,
                    "answers": [{"id": "0", TEXT: "nine"}, {"id": "1", TEXT: "ten"}],
                },
                TEXT: "Ada: [poll: When?] nine · ten",
                "m.mentions": {},
                "m.relates_to": {"m.in_reply_to": {"event_id": "$q"}},
                "crm.transaction_id": "i.1.0",
            })
        );
        let any = RoomPoll {
            selectable: 0,
            ..shown()
        };
        assert_eq!(sent(any, None)[START]["max_selections"], 2);
    }

    #[test]
    fn poll_comes_back_as_it_went() {
        let RoomEventKind::Poll { poll, reply_to } = read(&sent(shown(), None), Some("$q")) else {
            panic!("no poll");
        };
        assert_eq!((poll.question.as_str(), poll.selectable), ("When?", 1));
        assert_eq!(
            (poll.options, poll.ids),
            (shown().options, vec!["0".to_owned(), "1".to_owned()])
        );
        assert_eq!(reply_to, Some("$q".into()));
        let stable = json!({"m.poll": {
            "question": {"m.text": [{"body": "When?"}]},
            "max_selections": 2,
            "answers": [{"m.id": "a", "m.text": [{"body": "nine"}]}, {"m.id": "b", "m.text": [{"body": "ten"}]}],
        }});
        let RoomEventKind::Poll { poll, .. } = read(&stable, None) else {
            panic!("no poll");
        };
        assert_eq!((poll.selectable, poll.ids), (2, vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn broken_poll_is_unsupported() {
        let long = "x".repeat(MAX_ID_BYTES + 1);
        for broken in [
            json!({"body": "x"}),
            json!({START: 7}),
            json!({START: {"question": {TEXT: "q"}}}),
            json!({START: {"question": {}, "answers": []}}),
            json!({START: {"question": {TEXT: "q"}, "answers": [{"id": 1, TEXT: "a"}]}}),
            json!({START: {"question": {TEXT: "q"}, "answers": [{"id": "1"}]}}),
            json!({START: {"question": {TEXT: "q"}, "answers": [{"id": long, TEXT: "a"}]}}),
        ] {
            assert_eq!(
                read(&broken, None),
                RoomEventKind::Unsupported("poll".to_owned()),
                "{broken}"
            );
        }
        let many = json!({START: {"question": {TEXT: "q"}, "answers": vec![json!({"id": "1", TEXT: "a"}); 10_000]}});
        assert!(matches!(read(&many, None), RoomEventKind::Poll { poll, .. } if poll.options.len() == MAX_ANSWERS));
    }

    #[test]
    fn vote_and_end_name_their_poll() {
        let vote = response(&"$p".into(), &["1".to_owned()]);
        assert_eq!(vote[RESPONSE], json!({"answers": ["1"]}));
        assert_eq!(read_vote(&vote, false), RoomEventKind::Vote { of: "$p".into() });
        assert_eq!(read_vote(&vote, true), RoomEventKind::PollEnd { of: "$p".into() });
        assert_eq!(read_vote(&json!({"x": 1}), false), RoomEventKind::Other);
    }
}

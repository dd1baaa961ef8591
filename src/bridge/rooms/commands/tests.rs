//! What is read as a command, as a table of cases.

use crate::domain::{CustomerId, MessageId};

use super::parse::*;
use super::*;

fn command(body: &str) -> Option<Command> {
    match parse(body) {
        Some(Parsed::Command(_, command)) => Some(command),
        _ => None,
    }
}

#[test]
fn only_leading_exclamation_mark_is_command() {
    for body in [
        "!help",
        "  !help\n",
        "!Help",
        "\u{200b}!help",
        "\u{feff} !help",
        "\u{ff01}help",
        "\n!HELP ",
        "\u{3164}\u{e0101}!help",
        "\u{fe57}help",
        "*!help*",
        "**!help**",
        "_*!help*_",
        "```!help```",
        "- !help",
        "1. !help",
        "# !help",
        "*!help* ",
    ] {
        assert_eq!(command(body), Some(Command::Help), "{body:?}");
    }
    for body in [
        "!help me",
        "!send it",
        "!sendit",
        "! send",
        "!",
        "!!",
        "!no\n!send",
        " \n!x",
        "!hepl",
        "!\u{fe0f}note x",
        "> !send",
        "> *!note x*",
    ] {
        assert!(matches!(parse(body), Some(Parsed::Misuse(_))), "{body:?}");
        assert!(is_command(body), "{body:?}");
    }
    for body in [
        "hello",
        "hello !send",
        "hello\n!send",
        "¡hola!",
        "*hello* !send",
        "1. hello",
        "- ",
        "**",
        "",
        " ",
        "\u{200b}",
    ] {
        assert_eq!(parse(body), None, "{body:?}");
        assert!(!is_command(body), "{body:?}");
    }
}

#[test]
fn formatted_command_loses_its_marks() {
    for body in ["*!note a b*", "*!note* a b", "`!note a b`", "- _!note a b_"] {
        assert_eq!(command(body), Some(Command::Note("a b".to_owned())), "{body:?}");
    }
}

#[test]
fn command_as_text_of_another_is_refused() {
    for body in [
        "!send-at 18:00 !note x",
        "!send-at in 2m\n!close",
        "!new +447700900123 *!note x*",
    ] {
        let Some(Parsed::Misuse(told)) = parse(body) else {
            panic!("{body:?}")
        };
        assert!(told.contains("begins with !"), "{told}");
    }
}

#[test]
fn each_command_is_read_with_its_arguments() {
    let put = |name: &str| Labelling::Put(name.parse().unwrap());
    let take = |name: &str| Labelling::Take(name.parse().unwrap());
    let text = str::to_owned;
    let fields = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| (text(name), text(value))).collect();
    let template = |name: &str, pairs: &[(&str, &str)]| Command::Template {
        name: text(name),
        fields: fields(pairs),
    };
    let later = |when: &str, said: &str| Command::SendAt {
        when: text(when),
        text: text(said),
    };
    for (body, expected) in [
        ("!customer", Command::Customer),
        ("!status", Command::Status),
        ("!history", Command::History(HISTORY)),
        ("!history 3", Command::History(3)),
        ("!assign", Command::Assign(Whom::Me)),
        ("!assign Me", Command::Assign(Whom::Me)),
        ("!assign nobody", Command::Assign(Whom::Nobody)),
        ("!assign Bob Smith", Command::Assign(Whom::Agent(text("Bob Smith")))),
        (
            "!assign @bob:example.org",
            Command::Assign(Whom::Agent(text("@bob:example.org"))),
        ),
        ("!close", Command::Close),
        ("!reopen", Command::Reopen),
        ("!pending", Command::Pending),
        ("!snooze", Command::Snooze(None)),
        ("!snooze 2h", Command::Snooze(Some(text("in 2h")))),
        ("!snooze in 90m", Command::Snooze(Some(text("in 90m")))),
        ("!snooze tomorrow", Command::Snooze(Some(text("tomorrow")))),
        ("!snooze  mon   9:00", Command::Snooze(Some(text("mon 9:00")))),
        ("!snooze 18:00", Command::Snooze(Some(text("18:00")))),
        ("!note one", Command::Note(text("one"))),
        ("!note\none\n two\n", Command::Note(text("one\n two"))),
        ("!note !close", Command::Note(text("!close"))),
        ("!label", Command::Labels),
        ("!label +vip -new", Command::Label(vec![put("vip"), take("new")])),
        (
            "!label +hot lead \u{2013}c++",
            Command::Label(vec![put("hot lead"), take("c++")]),
        ),
        ("!label + vip", Command::Label(vec![put("vip")])),
        ("!name Ada Lovelace", Command::Name(text("Ada Lovelace"))),
        ("!merge 12", Command::Merge(Other::Id(CustomerId(12)))),
        ("!merge #1234567", Command::Merge(Other::Id(CustomerId(1_234_567)))),
        (
            "!merge 447700900123",
            Command::Merge(Other::Called(text("447700900123"))),
        ),
        ("!merge Ada L", Command::Merge(Other::Called(text("Ada L")))),
        ("!template", Command::Templates),
        ("!template greeting", template("greeting", &[])),
        (
            "!template order nr=42 day=\"next Monday\" who=\u{201c}Ada L\u{201d}",
            template("order", &[("nr", "42"), ("day", "next Monday"), ("who", "Ada L")]),
        ),
        (
            "!template order day=next Monday nr=a=b",
            template("order", &[("day", "next Monday"), ("nr", "a=b")]),
        ),
        ("!template \"two words\"", template("two words", &[])),
        ("!send-at 18:00 Dinner at 19:00", later("18:00", "Dinner at 19:00")),
        (
            "!send-at tomorrow 9:00 Good morning",
            later("tomorrow 9:00", "Good morning"),
        ),
        ("!send-at tomorrow Good morning", later("tomorrow", "Good morning")),
        ("!send-at tomorrow at 8:15 Up", later("tomorrow at 8:15", "Up")),
        ("!send-at 2h we call", later("in 2h", "we call")),
        ("!send-at in 1h 30m we call", later("in 1h 30m", "we call")),
        ("!send-at 2026-12-01 18:00 hello", later("2026-12-01 18:00", "hello")),
        ("!send-at monday 9:00\none\n\ntwo", later("monday 9:00", "one\n\ntwo")),
        ("!release", Command::Release(None)),
        ("!release #12", Command::Release(Some(MessageId(12)))),
        ("!cancel 12", Command::Cancel(Some(MessageId(12)))),
        (
            "!new +447700900123 hello\nthere",
            Command::New {
                number: text("+447700900123"),
                text: text("hello\nthere"),
            },
        ),
        ("!send", Command::Send),
        ("!retry", Command::Retry),
    ] {
        assert_eq!(command(body), Some(expected), "{body:?}");
    }
}

#[test]
fn wrong_arguments_say_what_to_write() {
    for (body, said) in [
        ("!close the deal", "!close"),
        ("!history 0", "1 to 50"),
        ("!history 51", "1 to 50"),
        ("!history all", "1 to 50"),
        ("!snooze soon", "`soon` is not a time"),
        ("!note", "the note is empty"),
        ("!note  \n ", "the note is empty"),
        ("!label vip", "has no sign"),
        ("!label +a/b", "a label's name"),
        ("!label +", "a label's name"),
        ("!name", "the name is missing"),
        ("!name one\ntwo", "one line"),
        ("!merge", "the other customer is missing"),
        ("!template greeting Ada", "`Ada` is no FIELD=VALUE"),
        ("!template greeting a=1 a=2", "twice"),
        ("!send-at", "time and text are missing"),
        ("!send-at 18:00", "the text is missing"),
        ("!send-at soon hello", "does not begin with a time"),
        ("!release one", "the number of a message"),
        ("!cancel -1", "the number of a message"),
        ("!new +447700900123", "are missing"),
        ("!new +44 7700 900123 hello", "without spaces"),
        ("!retry now", "!retry"),
    ] {
        let Some(Parsed::Misuse(text)) = parse(body) else {
            panic!("{body:?} was read");
        };
        assert!(
            text.starts_with("Not done: ") && text.contains(said),
            "{body:?}: {text}"
        );
    }
}

#[test]
fn each_word_is_read_by_its_own_arm() {
    for entry in ENTRIES {
        let read = read(entry.word, "");
        assert!(
            !matches!(&read, Err(why) if why.contains("is not a command")),
            "{}",
            entry.word
        );
    }
}

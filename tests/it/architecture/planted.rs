//! Each rule on small programs: it takes what is right, and refuses what was planted.

use std::path::Path;

use testbed::house::{Graph, Program, code};

use super::rules;

/// Two rooms with faces, one of them with two wings.
const SOUND: &[(&str, &str)] = &[
    ("src/domain/mod.rs", "pub mod message;\npub use message::Kind;\n"),
    ("src/domain/message/mod.rs", "pub struct Message; pub enum Kind {}\n"),
    ("src/bridge/mod.rs", "mod core;\nmod desk;\npub use desk::Desk;\n"),
    (
        "src/bridge/core/mod.rs",
        "pub(super) mod people;\nmod names;\npub use names::of;\n",
    ),
    (
        "src/bridge/core/people.rs",
        "use super::names::of;\nuse crate::domain::Kind;\npub fn meet() {}\n",
    ),
    ("src/bridge/core/names.rs", "pub fn of() {}\n"),
    ("src/bridge/desk/mod.rs", "mod handle;\npub use handle::Desk;\n"),
    (
        "src/bridge/desk/handle.rs",
        "use crate::bridge::core::{of, people};\npub struct Desk;\nfn f() { people::meet() }\n",
    ),
];

/// The sound program, with sources that are added or put in place of others.
fn with(planted: &[(&str, &str)]) -> Graph {
    Graph::of(Program::of(SOUND.iter().chain(planted).copied()))
}

fn refused(wrong: &[String], says: &[&str]) {
    let all = wrong.join("\n");
    assert!(!wrong.is_empty(), "nothing is refused");
    for says in says {
        assert!(all.contains(says), "{says} is not in: {all}");
    }
}

#[test]
fn sound_program_breaks_no_rule() {
    let graph = with(&[]);
    for rule in [
        rules::rooms,
        rules::circles_of_rooms,
        rules::wings,
        rules::circles_of_files,
        rules::faces,
    ] {
        assert_eq!(rule(&graph), Vec::<String>::new());
    }
}

#[test]
fn use_of_higher_room_is_refused() {
    let up = [("src/domain/message/mod.rs", "use crate::bridge::Desk;\n")];
    refused(
        &rules::rooms(&with(&up)),
        &["src/domain/message/mod.rs", "`domain` uses `bridge`"],
    );
}

#[test]
fn room_passed_on_by_another_is_refused() {
    let passed = [
        ("src/vault/mod.rs", "pub struct VaultError;\n"),
        ("src/bridge/mod.rs", "pub use crate::vault::VaultError;\n"),
        ("src/api/mod.rs", "use crate::bridge::VaultError;\n"),
    ];
    refused(&rules::rooms(&with(&passed)), &["`api` uses `vault`"]);
}

#[test]
fn path_in_code_counts_as_use() {
    let up = [("src/domain/message/mod.rs", "fn f() { crate::bridge::Desk::new() }\n")];
    refused(&rules::rooms(&with(&up)), &["`domain` uses `bridge`"]);
}

#[test]
fn comments_strings_and_tests_do_not_count() {
    let talk = "// crate::bridge::Desk\n/* crate::bridge */ fn f() -> &'static str { \"crate::bridge::Desk\" }\n\
                #[cfg(test)]\nmod tests { use crate::bridge::Desk; fn g() { let x = '{'; } }\nfn h<'a>(x: &'a str) {}\n";
    assert_eq!(
        rules::rooms(&with(&[("src/domain/message/mod.rs", talk)])),
        Vec::<String>::new()
    );
    assert!(code(talk).contains("fn h<'a>"), "{}", code(talk));
}

#[test]
fn test_file_does_not_count() {
    let tests = [
        ("src/domain/mod.rs", "pub mod message;\n#[cfg(test)]\nmod testing;\n"),
        ("src/domain/testing.rs", "use crate::bridge::Desk;\n"),
    ];
    assert_eq!(rules::rooms(&with(&tests)), Vec::<String>::new());
}

#[test]
fn circle_of_rooms_is_refused() {
    let up = [("src/domain/message/mod.rs", "use crate::bridge::Desk;\n")];
    refused(&rules::circles_of_rooms(&with(&up)), &["bridge, domain"]);
}

#[test]
fn circle_of_wings_is_refused() {
    let up = [("src/bridge/core/names.rs", "use crate::bridge::desk::Desk;\n")];
    refused(
        &rules::wings(&with(&up)),
        &[
            "bridge::core, bridge::desk",
            "`bridge::core` uses `bridge::desk`, which is above it",
        ],
    );
}

#[test]
fn unlisted_wing_is_refused() {
    let new = [("src/bridge/extra/mod.rs", "use crate::bridge::core::of;\n")];
    refused(&rules::wings(&with(&new)), &["`bridge::extra`", "not in the list"]);
}

#[test]
fn circle_of_three_files_is_refused() {
    let two = [
        ("src/store/a.rs", "use super::b::B;\n"),
        ("src/store/b.rs", "use super::a::A;\n"),
    ];
    assert_eq!(rules::circles_of_files(&with(&two)), Vec::<String>::new());
    let three = [
        ("src/store/a.rs", "use super::{b::B, c};\n"),
        ("src/store/b.rs", "use crate::store::c::C;\n"),
        ("src/store/c.rs", "fn f() { super::a::f() }\n"),
    ];
    refused(
        &rules::circles_of_files(&with(&three)),
        &["store::a, store::b, store::c"],
    );
}

#[test]
fn path_past_a_face_is_refused() {
    let deep = [
        ("src/bridge/core/people/mod.rs", "pub mod meet;\n"),
        ("src/bridge/core/people/meet.rs", "pub fn meet() {}\n"),
        (
            "src/bridge/desk/handle.rs",
            "use crate::bridge::core::people::meet::meet;\n",
        ),
    ];
    refused(
        &rules::faces(&with(&deep)),
        &["src/bridge/desk/handle.rs", "past the face of `bridge::core`"],
    );
    let private = [(
        "src/bridge/desk/handle.rs",
        "fn f() { crate::bridge::core::names::of() }\n",
    )];
    refused(&rules::faces(&with(&private)), &["past the face of `bridge::core`"]);
    let room = [("src/api/mod.rs", "use crate::bridge::desk::Desk;\n")];
    refused(&rules::faces(&with(&room)), &["past the face of `bridge`"]);
}

#[test]
fn climbing_path_is_refused() {
    let file = |code: &str| [("src/api/ws/frame.rs".to_owned(), code.to_owned())];
    assert_eq!(rules::climbing(&file("use super::limits;\n")), Vec::<String>::new());
    refused(
        &rules::climbing(&file("use super::super::auth;\n")),
        &["frame.rs", "crate::"],
    );
}

#[test]
fn task_outside_supervisor_is_refused() {
    let spawns = "fn f() { let mut set = tokio::task::JoinSet::new(); set.spawn(g()); }\n";
    let program = |file| Program::of([(file, spawns)]);
    assert_eq!(rules::tasks(&program("src/supervisor.rs")), Vec::<String>::new());
    refused(
        &rules::tasks(&program("src/bridge/rooms/relay.rs")),
        &["relay.rs", "`JoinSet`"],
    );
}

#[test]
fn overfull_folder_is_refused() {
    let names: Vec<String> = (0..=rules::MAX_FILES).map(|n| format!("src/api/f{n}.rs")).collect();
    let files = |count: usize| names.iter().take(count).map(Path::new);
    assert_eq!(rules::fullness(files(rules::MAX_FILES)), Vec::<String>::new());
    refused(&rules::fullness(files(rules::MAX_FILES + 1)), &["src/api: 21 files"]);
}

#[test]
fn absent_page_is_refused() {
    let is_here = |page: &str| page == "docs/rules.md";
    let pages = |text: &str| rules::pages(&[("src/a.rs".to_owned(), text.to_owned())], &is_here);
    assert_eq!(pages("//! As docs/rules.md says (rule 22).\n"), Vec::<String>::new());
    refused(&pages("//! See NOTES.md.\n"), &["NOTES.md"]);
    refused(&pages("/// `WHATSAPP` §4: exit 21.\n"), &["WHATSAPP"]);
    refused(&pages("// RULES 22\n"), &["RULES"]);
}

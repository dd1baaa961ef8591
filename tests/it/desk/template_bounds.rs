//! No template does harm, whatever it costs those who write it; and what it is filled with.

use crm::domain::MediaId;
use crm::domain::customer::Customer;
use crm::domain::names::NameSource;
use crm::domain::template::{
    Draft, FILTERS, FaultKind, MAX_BODY_CHARS, MAX_BRACKETS, MAX_DEPTH, MAX_FIELDS, MAX_NAME_CHARS, MAX_TOKENS,
    MAX_VALUE_CHARS, TESTS, TemplateFile,
};
use proptest::prelude::*;
use serde_json::json;

use super::template_cases::{ada, becomes, draft, field, outcome};

/// Bodies that grow while they are rendered: each is refused in time, or makes a text that fits.
#[test]
fn bombs_of_table_run_out_of_work() {
    let nested = |depth: usize, inner: &str| {
        let items = "x".repeat(50);
        let begin = format!("{{% for v in '{items}' %}}").repeat(depth);
        format!("{begin}{inner}{}", "{% endfor %}".repeat(depth))
    };
    let doubled = |how: &str| {
        let step = format!("{{% set x = {how} %}}");
        format!("{{% set x = 'xxxxxxxxxxxxxxxx' %}}{}{{{{ x }}}}", step.repeat(40))
    };
    let replaced = "{% set l = customer.attributes.long %}{{ l | replace('x', l) }}";
    let long_list = format!(
        "{{{{ [{}] | join(customer.attributes.long) }}}}",
        vec!["1"; 90].join(",")
    );
    let shown = "{{ customer.attributes.long }}".repeat(200);
    for (name, body) in [
        ("loops within loops", nested(10, "y")),
        ("silent loops", nested(10, "")),
        ("concatenation", doubled("x ~ x")),
        ("replace", replaced.to_owned()),
        ("replace nothing", doubled("x | replace('', x)")),
        ("join", long_list),
        ("join of a text", doubled("x | join(x)")),
        ("one long attribute", shown),
    ] {
        let fault = becomes(&body).expect_err(name);
        assert!(
            fault.detail.contains("too much work") || fault.kind == FaultKind::TooLong,
            "{name}: {fault:?}"
        );
    }
}

/// Deep in any way is refused before the engine, which goes deep by recursion, sees it.
#[test]
fn deep_templates_are_refused() {
    let chain = |first: &str, step: &str, steps: usize| format!("{{{{ {first}{} }}}}", step.repeat(steps));
    for (first, step) in [
        ("1", "~1"),
        ("customer", ".a"),
        ("'a'", "|upper"),
        ("x", "[0]"),
        ("1", " is defined"),
        ("1", " if 1 else 1"),
        ("1", "<-1"),
        ("", "not "),
    ] {
        let fault = becomes(&chain(first, step, MAX_TOKENS + 1)).expect_err(step);
        assert!(fault.detail.contains("words and signs"), "{step}: {fault:?}");
        // What just passes does no harm, be it right or wrong.
        let _ = becomes(&chain(first, step, (MAX_TOKENS - 1) / 4));
        let _ = becomes(&chain(first, step, MAX_TOKENS - 1));
    }
    for open in ["(", "[", "{", "'a'[", "'a'[("] {
        let fault = becomes(&chain("", open, MAX_TOKENS + 1)).expect_err(open);
        assert_eq!(fault.pointer, "/body", "{open}: {fault:?}");
        let _ = becomes(&chain("", open, MAX_BRACKETS));
    }
    let blocks = |n: usize| format!("{}a{}", "{% if true %}".repeat(n), "{% endif %}".repeat(n));
    assert_eq!(becomes(&blocks(MAX_DEPTH)).as_deref(), Ok("a"));
    assert!(
        becomes(&blocks(MAX_DEPTH + 1))
            .unwrap_err()
            .detail
            .contains("blocks are within each other")
    );
    let chained = |n: usize| {
        format!(
            "{{% if false %}}{}{{% else %}}a{{% endif %}}",
            "{% elif false %}".repeat(n)
        )
    };
    assert_eq!(becomes(&chained(MAX_DEPTH - 1)).as_deref(), Ok("a"));
    assert!(
        becomes(&chained(MAX_DEPTH))
            .unwrap_err()
            .detail
            .contains("blocks are within each other")
    );
    assert!(becomes(&chained(1000)).is_err());
}

#[test]
fn each_listed_filter_and_test_is_known_to_engine() {
    for filter in FILTERS {
        if let Err(fault) = becomes(&format!("{{{{ 'a' | {filter} }}}}")) {
            assert!(!fault.detail.contains("unknown"), "{filter}: {fault:?}");
        }
    }
    for test in TESTS {
        for arguments in ["", "(1)"] {
            if let Err(fault) = becomes(&format!("{{{{ 'a' is {test}{arguments} }}}}")) {
                assert!(!fault.detail.contains("unknown"), "{test}: {fault:?}");
            }
        }
    }
}

/// Values of fields, and the text that they give or where and why they are refused.
type Filled<'a> = (&'a [(&'a str, &'a str)], Result<&'a str, (&'a str, &'a str)>);

#[test]
fn fields_are_filled_or_refused() {
    let long = "x".repeat(MAX_VALUE_CHARS + 1);
    let table: &[Filled<'_>] = &[
        (&[("order", "17")], Ok("17 none")),
        (&[("order", "17"), ("note", "soon")], Ok("17 soon")),
        (&[("order", "17"), ("note", " ")], Ok("17 none")),
        (&[("order", "{{ agent.name }}")], Ok("{{ agent.name }} none")),
        (&[("order", "é👍\u{301}")], Ok("é👍\u{301} none")),
        (&[], Err(("/fields/order", "fill the field `order`"))),
        (&[("order", "")], Err(("/fields/order", "fill the field"))),
        (&[("order", " \u{a0}\n")], Err(("/fields/order", "fill the field"))),
        (
            &[("order", "1"), ("a/~b", "x")],
            Err(("/fields/a~1~0b", "has no field `a/~b`; it has order")),
        ),
        (&[("order", "a\0b")], Err(("/fields/order", "NUL"))),
        (&[("order", &long)], Err(("/fields/order", "2001 characters"))),
    ];
    for (fields, wanted) in table {
        let draft = draft("{{ fields.order }} {{ fields.note }}");
        let found = outcome(&draft, fields, Some(&ada()));
        match wanted {
            Ok(text) => assert_eq!(found.as_deref(), Ok(*text), "{fields:?}"),
            Err((pointer, why)) => {
                let fault = found.unwrap_err();
                assert_eq!(fault.pointer, *pointer, "{fault:?}");
                assert!(fault.detail.contains(why), "{fault:?}");
            }
        }
    }
}

#[test]
fn drafts_out_of_bounds_are_refused() {
    let with = |change: &dyn Fn(&mut Draft)| {
        let mut draft = draft("{{ fields.order }}");
        change(&mut draft);
        draft.check().map_err(|fault| fault.pointer)
    };
    assert_eq!(with(&|_| {}), Ok(()));
    for name in [
        "welcome",
        "Willkommen 2",
        "größe",
        "a.b",
        "👍",
        &"n".repeat(MAX_NAME_CHARS),
    ] {
        assert_eq!(with(&|draft| draft.name = name.to_owned()), Ok(()), "{name}");
    }
    for name in [
        "",
        " ",
        " a",
        "a\n",
        "a\0",
        "..",
        ".",
        "a/b",
        "a\u{202e}b",
        &"n".repeat(MAX_NAME_CHARS + 1),
    ] {
        assert_eq!(
            with(&|draft| draft.name = name.to_owned()),
            Err("/name".to_owned()),
            "{name:?}"
        );
    }
    for (body, wanted) in [
        (String::new(), false),
        (" \r\n\t".to_owned(), false),
        ("a\0b".to_owned(), false),
        ("x".repeat(MAX_BODY_CHARS), true),
        ("👍".repeat(MAX_BODY_CHARS), true),
        ("x".repeat(MAX_BODY_CHARS + 1), false),
    ] {
        let found = with(&|draft| draft.body.clone_from(&body));
        assert_eq!(found.is_ok(), wanted, "{body:.20}");
    }
    let file = Some(TemplateFile {
        id: MediaId(1),
        kind: None,
    });
    assert_eq!(with(&|draft| (draft.body, draft.file) = (String::new(), file)), Ok(()));
    for name in ["", "Order", "1st", "order number", "a-b", "größe", &"n".repeat(33)] {
        let found = with(&|draft| draft.fields.push(field(name, true, None)));
        assert_eq!(found, Err("/fields/3/name".to_owned()), "{name}");
    }
    let twice = with(&|draft| draft.fields.push(field("order", false, None)));
    assert_eq!(twice, Err("/fields/3/name".to_owned()));
    let many = |draft: &mut Draft| {
        let more = (0..MAX_FIELDS).map(|at| field(&format!("f{at}"), false, None));
        draft.fields.extend(more);
    };
    assert_eq!(with(&many), Err("/fields".to_owned()));
    assert_eq!(
        with(&|draft| draft.description = Some(" ".to_owned())),
        Err("/description".to_owned())
    );
    let labelled = |draft: &mut Draft| draft.fields[0].label = Some("a\nb".to_owned());
    assert_eq!(with(&labelled), Err("/fields/0/label".to_owned()));
}

#[test]
fn unknown_data_is_undefined_and_told() {
    let nameless = Customer {
        name: "+447700900123".to_owned(),
        name_source: NameSource::Number,
        phone: None,
        ..ada()
    };
    let told = |body: &str, customer: Option<&Customer>| {
        let found = outcome(&draft(body), &[("order", "1")], customer);
        found.map_err(|fault| fault.detail)
    };
    let told_of = |body: &str| told(body, Some(&nameless));
    assert!(
        told_of("{{ customer.first_name }}")
            .unwrap_err()
            .contains("`customer.first_name` has no value")
    );
    assert_eq!(
        told_of("Hi {{ customer.first_name | default('there') }}"),
        Ok("Hi there".to_owned())
    );
    assert!(
        told_of("{{ customer.phone }}")
            .unwrap_err()
            .contains("`customer.phone` has no value")
    );
    // A group has no customer.
    assert!(
        told("{{ customer.name }}", None)
            .unwrap_err()
            .contains("`customer` has no value")
    );
    assert_eq!(
        told("{% if customer is defined %}a{% else %}all{% endif %}", None),
        Ok("all".to_owned())
    );
}

#[test]
fn empty_and_too_long_texts_are_told_apart() {
    let empty = becomes("{% if false %}a{% endif %} \n ").unwrap_err();
    assert_eq!((empty.kind, empty.pointer.as_str()), (FaultKind::Empty, ""));
    let mut customer = ada();
    let text = "é".repeat(10_000);
    customer.attributes.insert("text".to_owned(), json!(text));
    let repeated = |n: usize| draft(&"{{ customer.attributes.text }}".repeat(n));
    let fits = outcome(&repeated(6), &[("order", "1")], Some(&customer)).unwrap();
    assert_eq!(fits.chars().count(), 60_000);
    let long = outcome(&repeated(7), &[("order", "1")], Some(&customer)).unwrap_err();
    assert_eq!((long.kind, long.pointer.as_str()), (FaultKind::TooLong, ""), "{long:?}");
    customer.attributes.insert("text".to_owned(), json!("a\0b"));
    let nul = outcome(&repeated(1), &[("order", "1")], Some(&customer)).unwrap_err();
    assert!(nul.detail.contains("NUL"), "{nul:?}");
}

/// Pieces of which random templates are made.
const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "-",
    "+",
    " ",
    "\n",
    "\r\n",
    "\"",
    "'",
    "\\",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "|",
    ".",
    ",",
    ":",
    "~",
    "*",
    "**",
    "/",
    "//",
    "%",
    "=",
    "==",
    "!=",
    "<",
    ">",
    "0",
    "1",
    "9999999999999999999",
    "1e308",
    "0x1f",
    "0.5",
    "is",
    "not",
    "in",
    "and",
    "or",
    "if",
    "elif",
    "else",
    "endif",
    "for",
    "endfor",
    "set",
    "recursive",
    "raw",
    "endraw",
    "x",
    "y",
    "customer",
    "customer.name",
    "customer.attributes",
    "customer.attributes.orders",
    "customer.attributes.long",
    "fields",
    "fields.order",
    "agent",
    "loop",
    "loop.index",
    "self",
    "true",
    "none",
    "upper",
    "default",
    "join",
    "replace",
    "first",
    "round",
    "int",
    "length",
    "defined",
    "divisibleby",
    "range",
    "{{ x }}",
    "{% if true %}",
    "{% endif %}",
    "{% for x in 'abcdefgh' %}",
    "{% endfor %}",
    "{% set x = x ~ x %}",
    "{{ customer.name }}",
    "é",
    "👩‍👧",
    "\u{301}",
    "\u{202e}",
    "\0",
    "text",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is written, it ends at once, with a text that fits or with a reason.
    #[test]
    fn random_templates_end_at_once(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        if let Err(fault) = becomes(&pieces.concat()) {
            prop_assert!(!fault.detail.is_empty());
        }
    }

    /// The same inside tags that begin and end.
    #[test]
    fn random_tags_end_at_once(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..12), statement in any::<bool>()) {
        let inside = pieces.join(" ");
        let body = if statement { format!("{{% if {inside} %}}a{{% endif %}}") } else { format!("{{{{ {inside} }}}}") };
        if let Err(fault) = becomes(&body) {
            prop_assert!(!fault.detail.is_empty());
        }
    }

    /// Data of any kind comes out as it went in.
    #[test]
    fn data_is_never_read_as_template(name in "[^\0]{1,80}") {
        let customer = Customer { name: name.clone(), ..ada() };
        let text = outcome(&draft("<{{ customer.name }}>"), &[("order", "1")], Some(&customer));
        prop_assert_eq!(text, Ok(format!("<{name}>")));
    }
}

//! Holds a table of what templates may contain and what they become.

use std::collections::BTreeMap;
use std::time::Duration;

use crm::domain::customer::Customer;
use crm::domain::message::MAX_TEXT_CHARS;
use crm::domain::names::NameSource;
use crm::domain::template::{Draft, Field, TemplateFault, Values};
use crm::domain::{ConversationId, CustomerId, Timestamp};
use serde_json::json;
use tokio::time::Instant;

/// Longest time that a template may take, also in a build without optimisation on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(2);

/// A customer whose data would like to be a template.
pub fn ada() -> Customer {
    let attributes = json!({
        "city": "Åre",
        "age": 36,
        "vip": true,
        "price": 12.5,
        "empty": null,
        "trick": "{{ 7*7 }}{% for x in y %}",
        "orders": [{ "id": 17, "what": "cake" }, { "id": 18, "what": "tea" }],
        "tags": ["a", "b"],
        "long": "x".repeat(8000),
    });
    Customer {
        id: CustomerId(7),
        name: "Ada  Lovelace".to_owned(),
        name_source: NameSource::Push,
        phone: Some("+447700900123".parse().unwrap()),
        status: "customer".to_owned(),
        photo_url: None,
        unread_count: 0,
        attributes: attributes.as_object().unwrap().clone(),
        labels: vec![],
        opted_out_at: None,
        opted_out_by: None,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
        merged_into: None,
    }
}

pub fn field(name: &str, required: bool, default: Option<&str>) -> Field {
    Field {
        name: name.to_owned(),
        label: None,
        required,
        default: default.map(str::to_owned),
    }
}

pub fn draft(body: &str) -> Draft {
    Draft {
        name: "welcome".to_owned(),
        body: body.to_owned(),
        description: None,
        fields: vec![
            field("order", true, None),
            field("note", false, Some("none")),
            field("extra", false, None),
        ],
        file: None,
    }
}

fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    pairs.collect()
}

/// Checks and renders, as saving and sending do.
pub fn outcome(draft: &Draft, fields: &[(&str, &str)], customer: Option<&Customer>) -> Result<String, TemplateFault> {
    draft.check()?;
    let values = Values {
        signature: "",
        customer,
        agent: "Grace",
        account: Some("sales"),
        conversation: Some(ConversationId(5)),
        hides_numbers: false,
    };
    draft.render(&given(fields), &values)
}

pub fn becomes(body: &str) -> Result<String, TemplateFault> {
    let begun = Instant::now();
    let outcome = outcome(&draft(body), &[("order", "17")], Some(&ada()));
    assert!(begun.elapsed() < AT_ONCE, "{body:.80} took {:?}", begun.elapsed());
    if let Ok(text) = &outcome {
        assert!(text.chars().count() <= MAX_TEXT_CHARS);
    }
    outcome
}

/// Each body with the text that it becomes.
const TEXTS: &[(&str, &str)] = &[
    ("Hello", "Hello"),
    ("Hello {{ customer.name }}", "Hello Ada  Lovelace"),
    ("Hi {{ customer.first_name }}!", "Hi Ada!"),
    ("{{ customer.phone }}", "+447700900123"),
    ("{{ customer.status }}", "customer"),
    ("{{ customer.attributes.city }}", "Åre"),
    ("{{ customer['attributes']['city'] }}", "Åre"),
    ("{{ customer.attributes.age }} {{ customer.attributes.vip }}", "36 True"),
    ("{{ customer.attributes.price | round(1) }}", "12.5"),
    (
        "{{ agent.name }} of {{ account.name }}, {{ conversation.id }}",
        "Grace of sales, 5",
    ),
    ("Order {{ fields.order }}", "Order 17"),
    ("{{ fields.note }}|{{ fields.extra }}|", "none||"),
    ("{{ customer.attributes.none | default('nothing') }}", "nothing"),
    ("{{ customer.attributes.empty | default('nothing') }}", "nothing"),
    (
        "{% if customer.attributes.none is defined %}a{% else %}b{% endif %}",
        "b",
    ),
    (
        "{% if customer.attributes.vip %}a{% elif true %}c{% else %}b{% endif %}",
        "a",
    ),
    ("{% if fields.extra %}a{% else %}b{% endif %}", "b"),
    (
        "{% if customer.attributes.age > 30 and customer.attributes.age is not odd %}a{% endif %}",
        "a",
    ),
    ("{% set who = customer.first_name | upper %}{{ who }}", "ADA"),
    (
        "{% for o in customer.attributes.orders %}{{ loop.index }}. {{ o.what }} ({{ o.id }})\n{% endfor %}",
        "1. cake (17)\n2. tea (18)",
    ),
    ("a\n{% if true %}\nb\n{% endif %}\nc", "a\nb\nc"),
    ("{{ customer.attributes.tags | join(', ') }}", "a, b"),
    ("{{ 'a' ~ customer.attributes.age ~ 'b' }}", "a36b"),
    (
        "{{ customer.name | replace('Ada', 'Countess') | title | trim }}",
        "Countess  Lovelace",
    ),
    (
        "{{ customer.attributes.orders | length }}{{ customer.attributes.tags | first }}{{ customer.attributes.tags | last }}",
        "2ab",
    ),
    // Data is data.
    ("{{ customer.attributes.trick }}", "{{ 7*7 }}{% for x in y %}"),
    ("{{ '{{ 7*7 }}' }}", "{{ 7*7 }}"),
    ("{{ '<b> & \"' }}", "<b> & \""),
    // What looks like a tag and is none.
    ("{ a } 100 % {} }} %} #}", "{ a } 100 % {} }} %} #}"),
    ("a{# a note {{ bogus }} {% include %} #}b", "ab"),
    ("a{#- {{ bogus }} -#}b", "ab"),
    ("*bold* _italic_ ```code```", "*bold* _italic_ ```code```"),
    // Scripts and signs.
    (
        "Grüße 👩‍👧 {{ customer.attributes.city }} e\u{301} 🇸🇪",
        "Grüße 👩‍👧 Åre e\u{301} 🇸🇪",
    ),
    ("שלום {{ customer.first_name }}، مرحبا", "שלום Ada، مرحبا"),
    ("\u{202b}שלום {{ fields.order }}\u{202c}", "\u{202b}שלום 17\u{202c}"),
    ("{{ 'ÅÉ' | lower }} {{ 'straße' | upper }}", "åé STRASSE"),
    ("您好，{{ customer.first_name }}。", "您好，Ada。"),
    ("line 1\r\nline 2 {{ fields.order }}\r\n", "line 1\nline 2 17"),
    ("  \n a \n  ", "a"),
    ("{{- ' a ' -}}  b", "a b"),
    ("{{ \"a \\\" }} b\" }}", "a \" }} b"),
    (
        "{{ -3 | abs }} {{ (customer.attributes.age) }} {{ 'a' ~ (1 ~ 2) }}",
        "3 36 a12",
    ),
    (
        "{% if customer.status in ['lead', 'customer'] %}a{% endif %}{{ ('b') }}",
        "ab",
    ),
    ("{{ 'no' if customer.attributes.none is undefined else 'yes' }}", "no"),
    ("{{ [1, 2, 3][-1] }}{{ 'abc'[1:] }}", "3bc"),
];

/// Each body with where it is refused and a part of why.
const REFUSED: &[(&str, &str, &str)] = &[
    ("{{ nothing }}", "/body", "line 1: there is no `nothing`"),
    (
        "a\nb {{ customer.nmae }}",
        "/body",
        "line 2: there is no `customer.nmae`",
    ),
    ("{{ customer.name.first }}", "/body", "has no parts"),
    ("{{ agent.phone }}", "/body", "there is no `agent.phone`"),
    (
        "{{ fields.colour }}",
        "/body",
        "`fields.colour` is not among the fields",
    ),
    (
        "{{ customer.attributes.none }}",
        "/body",
        "line 1: `customer.attributes.none` has no value",
    ),
    ("{{ customer.attributes.empty }}", "/body", "has no value"),
    (
        "a\n\n{{ customer.attributes.a.b }}",
        "/body",
        "line 3: `customer.attributes.a` has no value",
    ),
    ("{{ customer['none'] }}", "/body", "has no value"),
    (
        "{% if customer.attributes.none %}a{% endif %}",
        "/body",
        "`customer.attributes.none` has no value",
    ),
    (
        "{% for x in customer.attributes.none %}a{% endfor %}",
        "/body",
        "has no value",
    ),
    ("{{ customer.attributes.none | upper }}", "/body", "has no value"),
    ("{{ customer.attributes.none ~ 'a' }}", "/body", "has no value"),
    ("{{ customer }}", "/body", "cannot be shown"),
    ("{{ customer.attributes.tags }}", "/body", "cannot be shown"),
    ("{{ none }}", "/body", "has no value"),
    ("{{ customer.name", "/body", "`{{` is not closed"),
    ("{% if true %}a", "/body", "line 1"),
    ("{% if true }}a", "/body", "line 1"),
    ("a\n{# b", "/body", "line 2: a comment is not closed"),
    ("{{ 'a }}", "/body", "a text is not closed"),
    ("{{ a b }}", "/body", "line 1"),
    ("{{ }}", "/body", "line 1"),
    ("{{ 1 ~ }}", "/body", "line 1"),
    ("{{ ) }}", "/body", "closes nothing"),
    ("{% endif %}", "/body", "line 1"),
    ("{% %}", "/body", "begins with a statement"),
    ("{{ ünknown }}", "/body", "line 1"),
    // Other templates, files and code.
    ("{% include 'other' %}", "/body", "`include` cannot be used"),
    ("{% import '/etc/passwd' as p %}", "/body", "`import` cannot be used"),
    ("{% from 'a' import b %}", "/body", "`from` cannot be used"),
    ("{% extends 'welcome' %}", "/body", "`extends` cannot be used"),
    ("{% block a %}{% endblock %}", "/body", "`block` cannot be used"),
    (
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "/body",
        "`macro` cannot be used",
    ),
    ("{% call f() %}{% endcall %}", "/body", "`call` cannot be used"),
    ("{% do x %}", "/body", "`do` cannot be used"),
    ("{% filter upper %}a{% endfilter %}", "/body", "`filter` cannot be used"),
    (
        "{% autoescape true %}a{% endautoescape %}",
        "/body",
        "`autoescape` cannot be used",
    ),
    ("{% raw %}{{ a }}{% endraw %}", "/body", "`raw` cannot be used"),
    ("{% set a %}b{% endset %}", "/body", "`set` needs a value"),
    ("{% with a = 1 %}{{ a }}{% endwith %}", "/body", "`with` cannot be used"),
    ("{{ range(1000000000) }}", "/body", "call no functions"),
    ("{{ debug() }}", "/body", "call no functions"),
    ("{{ customer.name.upper() }}", "/body", "call no functions"),
    ("{{ customer['name'].upper () }}", "/body", "call no functions"),
    ("{{ 'a'.join(['b']) }}", "/body", "call no functions"),
    ("{{ loop(1) }}", "/body", "call no functions"),
    (
        "{% for x in customer.attributes.orders recursive %}{{ loop(x) }}{% endfor %}",
        "/body",
        "call no functions",
    ),
    ("{{ env.HOME }}", "/body", "there is no `env.HOME`"),
    ("{{ self }}", "/body", "there is no `self`"),
    ("{{ loop.index }}", "/body", "there is no `loop.index`"),
    ("{{ 'a' | urlencode }}", "/body", "there is no filter `urlencode`"),
    ("{{ 'a' | }}", "/body", "line 1"),
    ("{{ 'a' | 1 }}", "/body", "a filter's name is missing"),
    ("{{ 'a' is filter }}", "/body", "there is no test `filter`"),
    ("{{ 'a' is not safe }}", "/body", "there is no test `safe`"),
    // Bombs.
    ("{{ 'x' * 1000000000 }}", "/body", "do not calculate (`*`)"),
    (
        "{{ customer.attributes.tags * 1000000000 }}",
        "/body",
        "do not calculate",
    ),
    ("{{ 10 ** 1000000000 }}", "/body", "do not calculate"),
    ("{{ 'x' + 'x' }}", "/body", "do not calculate (`+`)"),
    ("{{ 3 - 1 }}", "/body", "do not calculate (`-`)"),
    ("{{ 1 // 0 }}", "/body", "do not calculate (`/`)"),
    ("{{ 7 % 0 }}", "/body", "do not calculate (`%`)"),
    (
        "{% set x = [customer, customer] %}{{ x | join }}",
        "/body",
        "texts and numbers only",
    ),
    (
        "{% set x = (customer, customer) %}{{ x | join }}",
        "/body",
        "a comma stands",
    ),
    (
        "{% set x = customer, customer %}{{ x | join }}",
        "/body",
        "a comma stands",
    ),
    ("{% set x = {'a': customer} %}{{ x ~ x }}", "/body", "make no maps"),
    ("{{ 'a' | default((1, 2)) }}", "/body", "a comma stands"),
    ("{{ 'a' | default([[1]]) }}", "/body", "texts and numbers only"),
    ("{{ 'a' | default(**customer) }}", "/body", "do not calculate"),
    ("{{ 'x' | center(1000000000) }}", "/body", "there is no filter `center`"),
    ("{{ 'x' | indent(1000000000) }}", "/body", "there is no filter `indent`"),
    (
        "{{ '%1000000000d' | format(1) }}",
        "/body",
        "there is no filter `format`",
    ),
    (
        "{{ [1] | batch(1000000000, 1) }}",
        "/body",
        "there is no filter `batch`",
    ),
    ("{{ [1] | slice(1000000000) }}", "/body", "there is no filter `slice`"),
    ("{{ customer | tojson }}", "/body", "there is no filter `tojson`"),
    ("{{ [3, 1] | sort }}", "/body", "there is no filter `sort`"),
];

#[test]
fn templates_become_texts_of_table() {
    assert!(TEXTS.len() + REFUSED.len() > 60);
    for (body, text) in TEXTS {
        assert_eq!(becomes(body).as_deref(), Ok(*text), "{body}");
    }
}

#[test]
fn templates_of_table_are_refused() {
    for (body, pointer, why) in REFUSED {
        let fault = becomes(body).expect_err(body);
        assert_eq!(fault.pointer, *pointer, "{body}: {fault:?}");
        assert!(fault.detail.contains(why), "{body}: {}", fault.detail);
    }
}

//! The engine: minijinja, with nothing but what a template is given.

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, ValueKind};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value};
use serde_json::{Map, Value as Json, json};

use super::{Draft, FaultKind, Field, TemplateFault, body};
use crate::domain::customer::Customer;
use crate::domain::message::MAX_TEXT_CHARS;
use crate::domain::names::NameSource;
use crate::domain::{ConversationId, numbers};

/// Work that rendering may do. Each instruction costs one, and 64 bytes that are made or looked at cost one: a text of the
/// greatest length, in letters of four bytes, costs about 4,000 each time that it is made.
pub const FUEL: u64 = 20_000;
/// Most frames of the engine within each other.
const MAX_FRAMES: usize = 50;

/// Variables of a template, by their names there.
const VARIABLES: &[(&str, &[&str])] = &[
    ("customer", &["name", "first_name", "phone", "status", "attributes"]),
    ("agent", &["name", "signature"]),
    ("account", &["name"]),
    ("conversation", &["id"]),
];
/// The only variable with parts of its own.
const ATTRIBUTES: [&str; 2] = ["customer", "attributes"];
/// The fields of the template.
const FIELDS: &str = "fields";

/// Data of one message.
#[derive(Clone, Copy, Debug, Default)]
pub struct Values<'a> {
    /// The customer; `None` in a group.
    pub customer: Option<&'a Customer>,
    /// Name of the person or program that sends it.
    pub agent: &'a str,
    /// Signature of the agent who sends it; empty: none.
    pub signature: &'a str,
    /// Name of the account that sends it, if it is known yet.
    pub account: Option<&'a str>,
    /// The conversation, if there is one yet.
    pub conversation: Option<ConversationId>,
    /// Whether the person or program that sends it sees no numbers of customers: the message would tell them.
    pub hides_numbers: bool,
}

/// Checks a text: that it can be parsed, and uses only what there is.
pub fn check(source: &str, fields: &[Field]) -> Result<(), TemplateFault> {
    let source = with_plain_line_ends(source);
    body::check(&source)?;
    let engine = engine().map_err(fault)?;
    let template = engine.template_from_str(&source).map_err(fault)?;
    let mut used: Vec<String> = template.undeclared_variables(true).into_iter().collect();
    used.sort();
    for variable in used {
        check_variable(&variable, fields)
            .map_err(|detail| TemplateFault::in_body(line_of(&source, &variable), detail))?;
    }
    Ok(())
}

/// Renders a template whose fields are filled. Nothing of the data is read as a template.
pub fn render(draft: &Draft, fields: &BTreeMap<&str, &str>, values: &Values<'_>) -> Result<String, TemplateFault> {
    let source = with_plain_line_ends(&draft.body);
    // A template that an earlier version has stored is held against the rules of this one.
    body::check(&source)?;
    let engine = engine().map_err(fault)?;
    let template = engine.template_from_str(&source).map_err(fault)?;
    let rendered = template.render(data(fields, values));
    let rendered = rendered.map_err(|error| hidden(&error, values).unwrap_or_else(|| fault(error)))?;
    let text = rendered.trim();
    if text.is_empty() && draft.file.is_none() {
        return Err(TemplateFault {
            kind: FaultKind::Empty,
            pointer: String::new(),
            detail: "the template leaves an empty text; look at its conditions".to_owned(),
        });
    }
    let chars = text.chars().count();
    if chars > MAX_TEXT_CHARS {
        return Err(TemplateFault {
            kind: FaultKind::TooLong,
            pointer: String::new(),
            detail: format!(
                "the template makes a text of {chars} characters and WhatsApp accepts at most {MAX_TEXT_CHARS}; make it \
                 shorter"
            ),
        });
    }
    if text.contains('\0') {
        let detail = "the text contains a NUL character, which an attribute of the customer has; remove it there";
        return Err(TemplateFault::at("", detail));
    }
    Ok(text.to_owned())
}

fn engine<'s>() -> Result<Environment<'s>, Error> {
    let mut engine = Environment::new();
    for global in ["range", "dict", "debug", "namespace"] {
        engine.remove_global(global);
    }
    // A line that holds only a statement leaves no empty line.
    engine.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_fuel(Some(FUEL));
    engine.set_recursion_limit(MAX_FRAMES);
    // Without it an error does not say which variable has no value.
    engine.set_debug(true);
    engine.set_formatter(|out, _, value| match value.kind() {
        ValueKind::String | ValueKind::Number | ValueKind::Bool => out
            .write_fmt(format_args!("{value}"))
            .map_err(|_| Error::new(ErrorKind::WriteFailure, "the text cannot be written")),
        ValueKind::Undefined | ValueKind::None => Err(Error::from(ErrorKind::UndefinedError)),
        kind => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("a {kind} cannot be shown; show a part of it, or `| join(\", \")`"),
        )),
    });
    Ok(engine)
}

fn data(fields: &BTreeMap<&str, &str>, values: &Values<'_>) -> Value {
    let mut data = Map::new();
    data.insert(FIELDS.to_owned(), json!(fields));
    data.insert(
        "agent".to_owned(),
        json!({ "name": values.agent, "signature": values.signature }),
    );
    if let Some(customer) = values.customer {
        let shown = if values.hides_numbers {
            without_numbers(customer)
        } else {
            of_customer(customer)
        };
        data.insert("customer".to_owned(), Json::Object(shown));
    }
    if let Some(account) = values.account {
        data.insert("account".to_owned(), json!({ "name": account }));
    }
    if let Some(conversation) = values.conversation {
        data.insert("conversation".to_owned(), json!({ "id": conversation }));
    }
    Value::from(Serde(&data))
}

/// Leaves undefined what is not known of a customer, so that it is never written as "none".
fn of_customer(customer: &Customer) -> Map<String, Json> {
    let mut data = Map::new();
    data.insert("name".to_owned(), json!(customer.name));
    // A number is no name to greet somebody by.
    let first = customer.name.split_whitespace().next();
    if let Some(first) = first.filter(|_| customer.name_source != NameSource::Number) {
        data.insert("first_name".to_owned(), json!(first));
    }
    if let Some(phone) = &customer.phone {
        data.insert("phone".to_owned(), json!(phone.as_str()));
    }
    data.insert("status".to_owned(), json!(customer.status));
    let attributes = customer.attributes.iter().filter(|(_, value)| !value.is_null());
    let attributes = attributes.map(|(name, value)| (name.clone(), value.clone()));
    data.insert("attributes".to_owned(), Json::Object(attributes.collect()));
    data
}

/// Returns the data of a customer without their number, also within other texts. Undefined is what says nothing else.
fn without_numbers(customer: &Customer) -> Map<String, Json> {
    let known = customer.known_numbers();
    let mut bare = Customer {
        phone: None,
        name: Some(numbers::text_bare(&customer.name))
            .filter(|name| *name != customer.name)
            .map_or_else(|| customer.name.clone(), |name| in_one_piece(&name)),
        status: known.hidden(&customer.status, ""),
        ..customer.clone()
    };
    for value in bare.attributes.values_mut() {
        let before = value.clone();
        known.hide_within(value, "");
        if *value == before {
            continue;
        }
        *value = match value.as_str().map(in_one_piece) {
            Some(text) if text.is_empty() => Json::Null,
            Some(text) => text.into(),
            None => value.take(),
        };
    }
    known.hide_fields(&mut bare.attributes, "");
    let mut data = of_customer(&bare);
    let is_number = customer.name_source == NameSource::Number || numbers::is_only_number(&customer.name);
    if is_number || bare.name.is_empty() {
        data.remove("name");
        data.remove("first_name");
    }
    data
}

/// Closes the gaps that a number leaves in a text.
fn in_one_piece(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n")
}

fn check_variable(variable: &str, fields: &[Field]) -> Result<(), String> {
    let parts: Vec<&str> = variable.split('.').collect();
    let unknown = |known: Vec<String>| Err(format!("there is no `{variable}`; there are {}", known.join(", ")));
    match parts.as_slice() {
        [] | [FIELDS] => Ok(()),
        [FIELDS, field, rest @ ..] => {
            if !fields.iter().any(|known| known.name == *field) {
                return Err(format!(
                    "`{FIELDS}.{field}` is not among the fields of the template; add it to `fields`"
                ));
            }
            no_parts(variable, rest)
        }
        [root, rest @ ..] => {
            let Some((_, known)) = VARIABLES.iter().find(|(name, _)| name == root) else {
                let roots = VARIABLES.iter().map(|(name, _)| *name).chain([FIELDS]);
                return unknown(roots.map(str::to_owned).collect());
            };
            match rest {
                [part, ..] if !known.contains(part) => {
                    unknown(known.iter().map(|part| format!("{root}.{part}")).collect())
                }
                [part, rest @ ..] if [*root, *part] != ATTRIBUTES => no_parts(variable, rest),
                _ => Ok(()),
            }
        }
    }
}

fn no_parts(variable: &str, rest: &[&str]) -> Result<(), String> {
    if rest.is_empty() {
        return Ok(());
    }
    Err(format!(
        "there is no `{variable}`: what is before its last dot is a text and has no parts"
    ))
}

/// Returns the line on which a variable is named first.
fn line_of(source: &str, variable: &str) -> usize {
    let root = variable.split('.').next().unwrap_or(variable);
    let at = source.find(variable).or_else(|| source.find(root)).unwrap_or(0);
    1 + source[..at].matches('\n').count()
}

/// Browsers end the lines of a form with CR LF, and WhatsApp's texts have LF.
fn with_plain_line_ends(source: &str) -> String {
    source.replace("\r\n", "\n")
}

/// Returns the fault of a template that writes what its author may not see of the customer; `None` if it is another one.
fn hidden(error: &Error, values: &Values<'_>) -> Option<TemplateFault> {
    let name = undefined(error).filter(|_| values.hides_numbers)?;
    let all = Json::Object(of_customer(values.customer?));
    let mut parts = name.split('.');
    if parts.next() != Some("customer") {
        return None;
    }
    parts.try_fold(&all, |value, part| value.get(part))?;
    let detail = format!(
        "`{name}` holds the customer's number, which is hidden from you; ask a manager to send it, or write what stands in \
         its place: `{{{{ {name} | default(\"…\") }}}}`"
    );
    Some(TemplateFault::in_body(error.line().unwrap_or(1), detail))
}

/// Returns the name of the variable without which a template cannot be rendered.
fn undefined(error: &Error) -> Option<&str> {
    let is_undefined = error.kind() == ErrorKind::UndefinedError;
    error.detail().filter(|_| is_undefined)?.split('`').nth(1)
}

/// Says in our words what the engine refuses.
#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn fault(error: Error) -> TemplateFault {
    let detail = error.detail().unwrap_or_default();
    let line = error.line().unwrap_or(1);
    let detail = match error.kind() {
        ErrorKind::UndefinedError => match undefined(&error) {
            Some(name) => format!(
                "`{name}` has no value here; give it one, or write what stands in its place: `{{{{ {name} | \
                 default(\"…\") }}}}`"
            ),
            None => "something has no value here; write what stands in its place: `| default(\"…\")`".to_owned(),
        },
        ErrorKind::OutOfFuel => "the template makes too much work; let it loop less, or make it shorter".to_owned(),
        ErrorKind::SyntaxError => format!("it cannot be read as a template: {detail}"),
        kind if detail.is_empty() => kind.to_string(),
        _ => detail.to_owned(),
    };
    TemplateFault::in_body(line, detail)
}

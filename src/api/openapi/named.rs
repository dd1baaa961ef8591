//! The named schemas. Requests and answers have schemas of their own; where both of a type are the same, they share a name.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::nullable::tighten;
use super::operation::{READ, Schemas, WRITTEN};

/// Examples by the names of their schemas.
const EXAMPLES: &str = include_str!("examples.json");

/// Returns the named schemas, and lets the document refer to them. A type whose requests differ from its answers has two.
pub fn named(schemas: Schemas, document: &mut Value) -> Map<String, Value> {
    let (mut written, mut read) = schemas.finish();
    written.values_mut().for_each(tighten);
    written.values_mut().for_each(|schema| refer(schema, &BTreeSet::new()));
    let differing = differing(&written, &read);
    refer(document, &differing);
    read.values_mut().for_each(|schema| refer(schema, &differing));
    for (name, schema) in read {
        if differing.contains(&name) {
            written.insert(of_request(&name), schema);
        } else {
            written.entry(name).or_insert(schema);
        }
    }
    let examples: Map<String, Value> = serde_json::from_str(EXAMPLES).unwrap_or_default();
    for (name, example) in examples {
        if let Some(schema) = written.get_mut(&name) {
            schema["examples"] = json!([example]);
        }
    }
    written.sort_keys();
    written
}

fn of_request(name: &str) -> String {
    format!("{name}Request")
}

/// Returns the names of types of which the two schemas differ, or what these refer to.
fn differing(written: &Map<String, Value>, read: &Map<String, Value>) -> BTreeSet<String> {
    let mut differing = BTreeSet::new();
    loop {
        let before = differing.len();
        for (name, schema) in read {
            let mut schema = schema.clone();
            refer(&mut schema, &differing);
            if written.get(name).is_some_and(|known| *known != schema) {
                differing.insert(name.clone());
            }
        }
        if differing.len() == before {
            return differing;
        }
    }
}

/// Returns the text of a doc comment without its line breaks, but for those before items and between paragraphs, and without
/// links within the source.
fn flowing(text: &str) -> String {
    let mut flowing = String::with_capacity(text.len());
    for line in text.lines() {
        if !flowing.is_empty() {
            let begins = line.is_empty() || line.starts_with("- ") || flowing.ends_with('\n');
            flowing.push(if begins { '\n' } else { ' ' });
        }
        flowing.push_str(line);
    }
    flowing.replace("[`", "`").replace("`]", "`")
}

/// Lets what refers to schemas of requests refer to their place in the document, and descriptions be read.
fn refer(schema: &mut Value, differing: &BTreeSet<String>) {
    match schema {
        Value::Object(fields) => {
            for (field, value) in fields {
                match value {
                    Value::String(path) if field == "$ref" => {
                        if let Some(name) = path.strip_prefix(&format!("#{READ}/")) {
                            let name = if differing.contains(name) {
                                of_request(name)
                            } else {
                                name.to_owned()
                            };
                            *path = format!("#{WRITTEN}/{name}");
                        }
                    }
                    Value::String(text) if field == "description" => *text = flowing(text),
                    inside => refer(inside, differing),
                }
            }
        }
        Value::Array(inside) => inside.iter_mut().for_each(|inside| refer(inside, differing)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_that_refers_to_differing_one_has_two_schemas() {
        let map = |value: Value| value.as_object().unwrap().clone();
        let written = map(json!({
            "A": { "type": "string" },
            "B": { "$ref": "#/components/schemas/A" },
            "C": { "type": "null" },
        }));
        let read = map(json!({
            "A": { "type": "number" },
            "B": { "$ref": "#/requests/A" },
            "C": { "type": "null" },
        }));
        let names: Vec<String> = differing(&written, &read).into_iter().collect();
        assert_eq!(names, ["A", "B"]);
    }
}

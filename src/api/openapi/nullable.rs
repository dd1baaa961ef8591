//! Null and absent, exactly as answers have them: a field that may be left out is never null.

use serde_json::{Map, Value, json};

/// Mark of a field that is null even where it may be absent: one of an object that is left out as a whole.
const MAY_BE_NULL: &str = "x-may-be-null";

/// Removes null from the fields of answers that are left out when they have no value.
pub fn tighten(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            let required = fields
                .get("required")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            if let Some(Value::Object(properties)) = fields.get_mut("properties") {
                for (name, property) in properties {
                    let may_be_null = property
                        .as_object_mut()
                        .and_then(|fields| fields.shift_remove(MAY_BE_NULL));
                    if may_be_null.is_none() && !required.contains(&json!(name)) {
                        *property = without_null(property);
                    }
                }
            }
            for inside in fields.values_mut() {
                tighten(inside);
            }
        }
        Value::Array(inside) => inside.iter_mut().for_each(tighten),
        _ => {}
    }
}

/// Returns a schema that does not allow null any more.
pub fn without_null(schema: &Value) -> Value {
    let Value::Object(fields) = schema else {
        return schema.clone();
    };
    let mut fields = fields.clone();
    if fields.get("default").is_some_and(Value::is_null) {
        fields.shift_remove("default");
    }
    if let Some(Value::Array(types)) = fields.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            fields.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(variants)) = fields.get_mut("anyOf") {
        variants.retain(|variant| variant != &json!({ "type": "null" }));
        if let [Value::Object(only)] = variants.as_slice() {
            let only = only.clone();
            fields.shift_remove("anyOf");
            return Value::Object(joined(only, fields));
        }
    }
    Value::Object(fields)
}

/// Returns both, the second's fields before the first's of the same name.
fn joined(mut one: Map<String, Value>, other: Map<String, Value>) -> Map<String, Value> {
    one.extend(other);
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_that_may_be_absent_is_never_null() {
        let mut schema = json!({
            "required": ["a"],
            "properties": {
                "a": { "type": ["string", "null"] },
                "b": { "type": ["string", "null"] },
                "c": { "description": "one", "anyOf": [{ "$ref": "#/x" }, { "type": "null" }] },
            },
        });
        tighten(&mut schema);
        let expected = json!({
            "a": { "type": ["string", "null"] },
            "b": { "type": "string" },
            "c": { "$ref": "#/x", "description": "one" },
        });
        assert_eq!(schema["properties"], expected);
    }
}

//! Says what is wrong with a value, in the words of people who write JSON and URLs: serde names the types of our source.

use serde_path_to_error::{Path, Segment};

use super::extract::pointer_to;

/// Returns the pointer to the wrong field, and what is wrong with it.
pub fn told(path: &Path, error: &str) -> (String, String) {
    let place: String = path
        .iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => pointer_to(key),
            Segment::Enum { .. } | Segment::Unknown => String::new(),
        })
        .collect();
    // The pointer tells the place better than serde's "at line 1 column 17".
    let error = error.rsplit_once(" at line ").map_or(error, |(error, _)| error);
    // These two are told of the object that has the field.
    for (start, wrong) in [
        ("missing field `", "is missing; give it"),
        ("duplicate field `", "is there more than once; give it once"),
    ] {
        if let Some(name) = error.strip_prefix(start).and_then(|rest| rest.strip_suffix('`')) {
            return (format!("{place}{}", pointer_to(name)), format!("`{name}` {wrong}"));
        }
    }
    (place, plain(error))
}

/// Returns what is wrong with a value.
fn plain(error: &str) -> String {
    for kind in ["invalid type: ", "invalid value: ", "invalid length "] {
        // The value may contain the word; the type does not.
        if let Some((found, expected)) = error
            .strip_prefix(kind)
            .and_then(|rest| rest.rsplit_once(", expected "))
        {
            let found = if kind.ends_with("length ") {
                "a list"
            } else {
                &found_words(found)
            };
            return format!("this is {found}; give {}", expected_words(expected));
        }
    }
    match error {
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            "this is not a whole number; give one, such as 50".to_owned()
        }
        "number too large to fit in target type" | "number too small to fit in target type" => {
            "this whole number is out of range; give another".to_owned()
        }
        "invalid float literal" | "cannot parse float from empty string" => {
            "this is no number; give one, such as 51.5".to_owned()
        }
        "provided string was not `true` or `false`" => "this is not true or false; give one of them".to_owned(),
        other => other.replace("unknown variant", "unknown word"),
    }
}

/// Returns the kind of a value that was found. Its text is the client's own, and may be long.
fn found_words(found: &str) -> String {
    let number = |rest: &str| format!("the number {}", rest.trim_matches('`'));
    if found.starts_with("string ") || found.starts_with("character ") {
        return "a text".to_owned();
    }
    if let Some(rest) = found
        .strip_prefix("integer ")
        .or_else(|| found.strip_prefix("floating point "))
    {
        return number(rest);
    }
    if let Some(rest) = found.strip_prefix("boolean ") {
        return rest.trim_matches('`').to_owned();
    }
    match found {
        "sequence" => "a list",
        "map" => "an object",
        "unit value" => "null",
        other => other,
    }
    .to_owned()
}

/// Returns the kind of value that was expected.
fn expected_words(expected: &str) -> &str {
    match expected {
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not negative",
        "f32" | "f64" => "a number",
        "a string" | "a borrowed string" | "string or map" | "variant identifier" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        _ if expected.starts_with("struct ") => "an object, with its fields by their names",
        _ if expected.starts_with("enum ") => "a text",
        _ if expected.starts_with("a tuple ")
            || expected.starts_with("tuple ")
            || expected.starts_with("an array ") =>
        {
            "a list"
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_told_in_plain_words() {
        for (error, expected) in [
            (
                "invalid type: string \"a, expected b\", expected i64",
                "this is a text; give a whole number",
            ),
            (
                "invalid type: integer `5`, expected a string",
                "this is the number 5; give a text",
            ),
            (
                "invalid value: integer `-1`, expected u32",
                "this is the number -1; give a whole number that is not negative",
            ),
            (
                "invalid type: sequence, expected struct SendRequest with 3 elements",
                "this is a list; give an object, with its fields by their names",
            ),
            (
                "invalid type: null, expected a boolean",
                "this is null; give true or false",
            ),
            (
                "invalid type: map, expected a time, such as 5",
                "this is an object; give a time, such as 5",
            ),
            (
                "unknown variant `perhaps`, expected `sent` or `failed`",
                "unknown word `perhaps`, expected `sent` or `failed`",
            ),
            ("a colour is six digits", "a colour is six digits"),
        ] {
            assert_eq!(plain(error), expected);
        }
    }
}

//! The description as a page: plain HTML without scripts, with its only style sheet inside, which loads nothing.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::components::OF_EVERY_ANSWER;

const SHEET: &str = include_str!("page.css");

/// Returns the page's policy: nothing is loaded, and nothing runs.
pub fn policy() -> String {
    let style = STANDARD.encode(Sha256::digest(SHEET));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// Returns the page of a description.
pub fn of(document: &Value) -> String {
    let mut page = Page {
        document,
        html: String::new(),
    };
    page.whole();
    page.html
}

struct Page<'d> {
    document: &'d Value,
    html: String,
}

impl Page<'_> {
    fn put(&mut self, html: impl AsRef<str>) {
        self.html.push_str(html.as_ref());
    }

    fn whole(&mut self) {
        let info = &self.document["info"];
        let title = format!("{} {}", text(&info["title"]), text(&info["version"]));
        self.put(format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}: API</title>\
             <meta name=\"viewport\" content=\"width=device-width\"><style>{SHEET}</style></head>\n<body><h1>{title}: API</h1>\n"
        ));
        self.put(paragraphs(&info["description"]));
        self.contents();
        for tag in self.document["tags"].as_array().into_iter().flatten() {
            self.put(format!("<h2 id=\"tag-{0}\">{0}</h2>", text(&tag["name"])));
            self.put(paragraphs(&tag["description"]));
            for (path, method, operation) in operations(self.document, &tag["name"]) {
                self.operation(path, method, operation);
            }
        }
        self.put("<h2 id=\"errors\">Errors</h2>");
        for (_, response) in fields(&self.document["components"]["responses"]) {
            self.put(paragraphs(&response["description"]));
        }
        self.put("<h2 id=\"schemas\">Schemas</h2>");
        for (name, schema) in fields(&self.document["components"]["schemas"]) {
            self.schema(name, schema);
        }
        self.put("</body></html>\n");
    }

    fn contents(&mut self) {
        self.put("<nav><ul>");
        for tag in self.document["tags"].as_array().into_iter().flatten() {
            self.put(format!("<li><a href=\"#tag-{0}\">{0}</a>", text(&tag["name"])));
        }
        self.put("<li><a href=\"#errors\">Errors</a><li><a href=\"#schemas\">Schemas</a></ul></nav>\n");
    }

    fn operation(&mut self, path: &str, method: &str, operation: &Value) {
        let id = text(&operation["operationId"]);
        self.put(format!(
            "<details id=\"{id}\"><summary><b class=\"{method}\">{}</b> <code>{}</code> {}</summary>",
            method.to_ascii_uppercase(),
            escaped(path),
            marked(&operation["summary"])
        ));
        self.put(paragraphs(&operation["description"]));
        match operation["x-scope"].as_str() {
            Some(scope) => self.put(format!("<p>Scope <code>{}</code>.</p>", escaped(scope))),
            None => self.put("<p>Needs no key in the header.</p>"),
        }
        self.parameters(&operation["parameters"]);
        for (kind, content) in fields(&operation["requestBody"]["content"]) {
            self.put(format!("<h4>Body <code>{}</code></h4>", escaped(kind)));
            self.body(&content["schema"]);
        }
        self.put("<h4>Answers</h4><table>");
        for (status, answer) in fields(&operation["responses"]) {
            self.answer(status, answer);
        }
        self.put("</table></details>\n");
    }

    fn parameters(&mut self, parameters: &Value) {
        let Some(parameters) = parameters.as_array() else {
            return;
        };
        self.put("<h4>Parameters</h4><table>");
        for parameter in parameters {
            let parameter = self.resolved(parameter).clone();
            let required = if parameter["required"] == true {
                " (required)"
            } else {
                ""
            };
            self.put(format!(
                "<tr><td><code>{}</code><td>{}{required}<td>{}<td>{}",
                text(&parameter["name"]),
                text(&parameter["in"]),
                kind(&parameter["schema"]),
                marked(&parameter["description"])
            ));
        }
        self.put("</table>");
    }

    fn body(&mut self, schema: &Value) {
        self.put(format!("<p>{}</p>", kind(schema)));
        if let Some(example) = self.resolved(schema)["examples"].get(0).cloned() {
            self.example(&example);
        }
    }

    fn example(&mut self, example: &Value) {
        let json = serde_json::to_string_pretty(example).unwrap_or_default();
        self.put(format!("<pre>{}</pre>", escaped(&json)));
    }

    fn answer(&mut self, status: &str, answer: &Value) {
        let answer = self.resolved(answer).clone();
        self.put(format!(
            "<tr><td><code>{}</code><td>{}",
            escaped(status),
            marked(&answer["description"])
        ));
        let headers = fields(&answer["headers"])
            .map(|(name, _)| name)
            .filter(|name| !OF_EVERY_ANSWER.contains(name));
        let headers: Vec<String> = headers.map(|name| format!("<code>{}</code>", escaped(name))).collect();
        if !headers.is_empty() {
            self.put(format!(" Headers: {}.", headers.join(", ")));
        }
        self.put("<td>");
        for (media_type, content) in fields(&answer["content"]) {
            let line = [&content["x-line"], &content["x-event-data"]]
                .into_iter()
                .find(|line| !line.is_null());
            self.put(format!(
                "<code>{}</code> {}<br>",
                escaped(media_type),
                line.map_or_else(|| kind(&content["schema"]), |line| format!("of {}", kind(line)))
            ));
        }
        for (side, frames) in fields(&answer["x-frames"]) {
            self.put(format!("<code>{}</code>: {}<br>", escaped(side), kind(frames)));
        }
    }

    fn schema(&mut self, name: &str, schema: &Value) {
        let name = escaped(name);
        self.put(format!(
            "<details id=\"schema-{name}\"><summary><code>{name}</code></summary>"
        ));
        self.put(paragraphs(&schema["description"]));
        self.fields_of(schema);
        for variant in ["oneOf", "anyOf"]
            .iter()
            .filter_map(|of| schema[of].as_array())
            .flatten()
        {
            self.put(format!("<h4>Or: {}</h4>", kind(variant)));
            self.put(paragraphs(&variant["description"]));
            self.fields_of(variant);
        }
        if let Some(example) = schema["examples"].get(0) {
            self.example(example);
        }
        self.put("</details>\n");
    }

    fn fields_of(&mut self, schema: &Value) {
        if schema["properties"].is_null() {
            return;
        }
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        self.put("<table>");
        for (name, field) in fields(&schema["properties"]) {
            let optional = if required.iter().any(|one| one == name) {
                ""
            } else {
                " (may be absent)"
            };
            self.put(format!(
                "<tr><td><code>{}</code><td>{}{optional}<td>{}",
                escaped(name),
                kind(field),
                marked(&field["description"])
            ));
        }
        self.put("</table>");
    }

    /// Returns what a reference refers to, or the value itself.
    fn resolved<'v>(&'v self, value: &'v Value) -> &'v Value {
        let path = value["$ref"].as_str().and_then(|path| path.strip_prefix('#'));
        path.and_then(|path| self.document.pointer(path)).unwrap_or(value)
    }
}

/// Returns the operations of a tag, with their paths and methods.
fn operations<'d>(document: &'d Value, tag: &'d Value) -> impl Iterator<Item = (&'d str, &'d str, &'d Value)> {
    let all = fields(&document["paths"])
        .flat_map(|(path, methods)| fields(methods).map(move |(method, operation)| (path, method, operation)));
    all.filter(move |(_, _, operation)| &operation["tags"][0] == tag)
}

fn fields(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
}

/// Returns the name of a schema's type, with a link where it is described.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return format!("<a href=\"#schema-{0}\">{0}</a>", escaped(name));
    }
    let several = ["anyOf", "oneOf"].iter().find_map(|of| schema[of].as_array());
    if let Some(several) = several {
        return several.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    let name = match &schema["type"] {
        Value::Array(types) => types.iter().map(text).collect::<Vec<_>>().join(" or "),
        Value::String(name) => escaped(name),
        _ => "any".to_owned(),
    };
    if !schema["items"].is_null() {
        return format!("{name} of {}", kind(&schema["items"]));
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> = words
            .iter()
            .map(|word| format!("<code>{}</code>", text(word)))
            .collect();
        return words.join(" or ");
    }
    match schema["format"].as_str() {
        Some(format) => format!("{name} ({})", escaped(format)),
        None => name,
    }
}

/// Returns a text as paragraphs, with lines that begin with `- ` as a list.
fn paragraphs(value: &Value) -> String {
    let mut html = String::new();
    for line in value
        .as_str()
        .unwrap_or_default()
        .lines()
        .filter(|line| !line.is_empty())
    {
        let _ = match line.strip_prefix("- ") {
            Some(item) => write!(html, "<li>{}", code(item)),
            None => write!(html, "<p>{}</p>", code(line)),
        };
    }
    html
}

fn marked(value: &Value) -> String {
    code(value.as_str().unwrap_or_default())
}

/// Returns HTML of a text whose code stands between backquotes.
fn code(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(at, part)| match at % 2 {
        1 => format!("<code>{}</code>", escaped(part)),
        _ => escaped(part),
    });
    parts.collect()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| escaped(&value.to_string()), escaped)
}

fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            c => html.push(c),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_page_is_escaped() {
        assert_eq!(code("a `<b>` & c"), "a <code>&lt;b&gt;</code> &amp; c");
        assert_eq!(escaped("\"x\""), "&quot;x&quot;");
    }
}

//! Finds functions, public items and tests in a source, by lines and braces as `rustfmt` formats them.

use super::source::without_texts;

/// Returns the lengths of all functions with a body, in lines.
pub fn functions(code: &str) -> Vec<usize> {
    let mut lengths = vec![];
    let mut at = 0;
    for line in code.split_inclusive('\n') {
        if is_function(line) {
            let function = &code[at..];
            let end = end_of_block(function);
            if !function[..end].trim_end().ends_with(';') {
                lengths.push(function[..end].lines().count());
            }
        }
        at += line.len();
    }
    lengths
}

/// Returns whether a function begins on this line.
pub fn is_function(line: &str) -> bool {
    let line = line.trim_start();
    let before = line.split("fn ").next().unwrap_or("").trim_end();
    let is_qualified = before.is_empty()
        || before.split_whitespace().all(|word| {
            ["pub", "async", "const", "unsafe", "extern"].contains(&word)
                || word.starts_with("pub(")
                || word.ends_with(')')
        });
    line.contains("fn ") && is_qualified
}

/// Returns the end of the block, or of the declaration without a block, that begins here.
pub fn end_of_block(code: &str) -> usize {
    let (mut braces, mut brackets) = (0_usize, 0_usize);
    for (at, c) in code.char_indices() {
        match c {
            '[' => brackets += 1,
            ']' => brackets = brackets.saturating_sub(1),
            '{' => braces += 1,
            '}' if braces <= 1 => return at + 1,
            '}' => braces -= 1,
            ';' if braces == 0 && brackets == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// Returns the number of public items without a doc comment, and of all.
pub fn documented(text: &str) -> (usize, usize) {
    const KINDS: [&str; 8] = [
        "fn ",
        "struct ",
        "enum ",
        "trait ",
        "const ",
        "static ",
        "type ",
        "async fn ",
    ];
    let (mut bare, mut items) = (0, 0);
    let mut is_documented = false;
    let program = text.split("#[cfg(test)]").next().unwrap_or(text);
    for line in program.lines().map(str::trim) {
        let item = line.strip_prefix("pub ");
        if item.is_some_and(|item| KINDS.iter().any(|kind| item.starts_with(kind))) {
            items += 1;
            bare += usize::from(!is_documented);
        }
        let is_attribute = line.starts_with("#[") || line.ends_with(")]");
        is_documented = line.starts_with("///") || is_attribute && is_documented;
    }
    (bare, items)
}

/// Lists the tests: functions with a test attribute, and those that run on each kind of database.
pub fn tests(text: &str) -> Vec<String> {
    let mut names = vec![];
    let (mut is_test, mut is_list) = (false, false);
    for line in without_texts(text).lines().map(str::trim) {
        if is_list {
            is_list = !line.starts_with('}');
            let listed = line
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty() && *name != "}");
            names.extend(listed.map(str::to_owned));
        } else if line.starts_with("on_each_database! {") {
            is_list = true;
        } else if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some((_, name)) = line.split_once("fn ").filter(|_| is_test) {
            is_test = false;
            let name = name.split(['(', '<']).next().unwrap_or(name);
            names.extend((!name.starts_with('$')).then(|| name.to_owned()));
        }
    }
    names
}

#[cfg(test)]
mod tests_of_items {
    use super::*;
    use crate::house::code;

    #[test]
    fn functions_are_measured_with_their_braces() {
        let text = "fn a() {\n    b();\n}\ntrait T {\n    fn c(&self) -> [u8; 2];\n}\n/// fn d() {\nasync fn e() {}\n";
        assert_eq!(functions(&code(text)), [3, 1]);
    }

    #[test]
    fn attribute_keeps_doc_with_its_item() {
        let text = "/// Is.\n#[derive(Debug)]\npub struct A;\n\npub fn b() {}\n";
        assert_eq!(documented(text), (1, 2));
    }

    #[test]
    fn tests_are_found_in_both_forms() {
        let text = "on_each_database! {\n    /// rule 4.\n    one, two,\n}\n#[tokio::test]\nasync fn three() {}\nfn four() {}\n";
        assert_eq!(tests(text), ["one", "two", "three"]);
    }
}

//! Converts WhatsApp's marks into HTML: `*bold*`, `_italic_`, `~struck~`, `` `code` ``, blocks between ```` ``` ````, and
//! quotes (faq.whatsapp.com/539178204879377). The opposite of `markup`.

use std::ops::Range;

/// Marks that surround words, with their elements.
const MARKS: [(char, &str); 3] = [('*', "strong"), ('_', "em"), ('~', "del")];
/// Mark of a block of code.
const BLOCK: &str = "```";

/// Returns a text as HTML: escaped, with elements in place of the marks.
pub fn to_html(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 4);
    let mut rest = text;
    while let Some((before, block, after)) = block(rest) {
        lines(before.strip_suffix('\n').unwrap_or(before), &mut html);
        html.push_str("<pre><code>");
        escape(block.trim_matches('\n'), "\n", &mut html);
        html.push_str("</code></pre>");
        rest = after.strip_prefix('\n').unwrap_or(after);
    }
    lines(rest, &mut html);
    html
}

/// Stands for a link while the marks around it are read. A text that has it already gets no links.
const LINK: char = '\u{f8ff}';

/// As [`to_html`], with these stretches of the text as links to their addresses, in order and apart.
pub fn to_linked_html(text: &str, links: &[(Range<usize>, String)]) -> String {
    if links.is_empty() || text.contains(LINK) {
        return to_html(text);
    }
    let (mut bare, mut at) = (String::with_capacity(text.len()), 0);
    let mut linked = vec![];
    for (range, address) in links {
        let (Some(before), Some(words)) = (text.get(at..range.start), text.get(range.clone())) else {
            continue;
        };
        bare.push_str(before);
        bare.push(LINK);
        at = range.end;
        linked.push((words, address));
    }
    bare.push_str(text.get(at..).unwrap_or_default());
    let (html, mut whole) = (to_html(&bare), String::new());
    let mut pieces = html.split(LINK);
    whole.extend(pieces.next());
    for (piece, (words, address)) in pieces.zip(linked) {
        whole.push_str("<a href=\"");
        escape(address, "", &mut whole);
        whole.push_str("\">");
        escape(words, " ", &mut whole);
        whole.push_str("</a>");
        whole.push_str(piece);
    }
    whole
}

/// Returns a text escaped as HTML, with its marks as they are.
pub fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 8);
    escape(text, "<br>", &mut html);
    html
}

/// Splits a text around its first block of code.
fn block(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once(BLOCK)?;
    let (block, after) = rest.split_once(BLOCK)?;
    (!block.trim().is_empty()).then_some((before, block, after))
}

/// Appends lines; those that begin with `> ` as quotes.
fn lines(text: &str, html: &mut String) {
    if text.is_empty() {
        return;
    }
    let mut is_quoted = false;
    for (number, line) in text.split('\n').enumerate() {
        let quoted = line.strip_prefix("> ");
        match (is_quoted, quoted.is_some()) {
            (false, true) => html.push_str("<blockquote>"),
            (true, false) => html.push_str("</blockquote>"),
            _ if number > 0 => html.push_str("<br>"),
            _ => {}
        }
        is_quoted = quoted.is_some();
        inline(quoted.unwrap_or(line), &MARKS, html);
    }
    if is_quoted {
        html.push_str("</blockquote>");
    }
}

/// Appends a stretch of one line. `marks`: those that mean something in it; each nests once.
fn inline(text: &str, marks: &[(char, &str)], html: &mut String) {
    let mut before = None;
    let mut at = 0;
    while let Some(character) = text[at..].chars().next() {
        if is_word_start(before)
            && let Some(length) = link(&text[at..])
        {
            escape(&text[at..at + length], " ", html);
            before = text[..at + length].chars().next_back();
            at += length;
            continue;
        }
        let element = match character {
            '`' => Some("code"),
            _ => marks
                .iter()
                .find(|(mark, _)| *mark == character)
                .map(|(_, element)| *element),
        };
        if let Some(element) = element
            && is_word_start(before)
            && let Some(inner) = marked(&text[at..], character)
        {
            open(element, html);
            if character == '`' {
                escape(inner, " ", html);
            } else {
                let others: Vec<_> = marks.iter().filter(|(mark, _)| *mark != character).copied().collect();
                inline(inner, &others, html);
            }
            close(element, html);
            at += inner.len() + 2;
            before = Some(character);
            continue;
        }
        let length = character.len_utf8();
        escape(&text[at..at + length], " ", html);
        before = Some(character);
        at += length;
    }
}

fn open(element: &str, html: &mut String) {
    html.extend(["<", element, ">"]);
}

fn close(element: &str, html: &mut String) {
    html.extend(["</", element, ">"]);
}

/// Returns what stands between the mark at the beginning of `text` and the next one that ends it.
fn marked(text: &str, mark: char) -> Option<&str> {
    let inner = &text[mark.len_utf8()..];
    if inner.starts_with(char::is_whitespace) {
        return None;
    }
    let ends = inner.match_indices(mark).find(|(at, _)| {
        let is_after_word = *at > 0 && !inner[..*at].ends_with(char::is_whitespace);
        is_after_word && is_word_start(inner[at + mark.len_utf8()..].chars().next())
    });
    let is_mark = |character: char| matches!(character, '*' | '_' | '~' | '`');
    ends.map(|(at, _)| &inner[..at])
        .filter(|inner| !inner.chars().all(is_mark))
}

/// Returns whether a word may begin after this character, or end before it.
fn is_word_start(before: Option<char>) -> bool {
    before.is_none_or(|before| !before.is_alphanumeric())
}

/// Returns the length of the address at the beginning of a text: marks in it mean nothing.
fn link(text: &str) -> Option<usize> {
    let word = text.split(char::is_whitespace).next()?;
    let is_link = word.starts_with("https://") || word.starts_with("http://");
    is_link.then_some(word.len())
}

fn escape(text: &str, line_break: &str, html: &mut String) {
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\n' => html.push_str(line_break),
            other => html.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::wire::markup::to_whatsapp;

    const CASES: [(&str, &str); 28] = [
        ("plain", "plain"),
        ("a < b\n& \"c\"", "a &lt; b<br>&amp; &quot;c&quot;"),
        ("*bold*", "<strong>bold</strong>"),
        ("_italic_", "<em>italic</em>"),
        ("~struck~", "<del>struck</del>"),
        ("`code *x*`", "<code>code *x*</code>"),
        ("*bold _both_*", "<strong>bold <em>both</em></strong>"),
        ("_a *b* ~c~_", "<em>a <strong>b</strong> <del>c</del></em>"),
        ("a *b*, *c*.", "a <strong>b</strong>, <strong>c</strong>."),
        ("(*b*)", "(<strong>b</strong>)"),
        ("*not closed", "*not closed"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("* not bold*", "* not bold*"),
        ("*not bold *", "*not bold *"),
        ("snake_case_name", "snake_case_name"),
        ("5*3*2", "5*3*2"),
        ("**", "**"),
        ("***", "***"),
        ("*a\nb*", "*a<br>b*"),
        ("*a*b*", "<strong>a*b</strong>"),
        ("see https://x.org/_a_?b=*c* now", "see https://x.org/_a_?b=*c* now"),
        (
            "> quoted\n> *twice*\nsaid",
            "<blockquote>quoted<br><strong>twice</strong></blockquote>said",
        ),
        ("said\n> quoted", "said<blockquote>quoted</blockquote>"),
        ("a > b", "a &gt; b"),
        ("```let *x*;\ny < z```", "<pre><code>let *x*;\ny &lt; z</code></pre>"),
        (
            "before\n```\ncode\n```\nafter",
            "before<pre><code>code</code></pre>after",
        ),
        ("```not closed", "```not closed"),
        ("*مرحبا* 👍", "<strong>مرحبا</strong> 👍"),
    ];

    #[test]
    fn whatsapp_marks_become_html() {
        for (text, html) in CASES {
            assert_eq!(to_html(text), html, "{text:?}");
        }
    }

    #[test]
    fn marks_come_back_from_html() {
        for text in [
            "*bold*",
            "a *b*, *c*.",
            "`code`",
            "see https://x.org/_a_ now",
            "> quoted",
            "plain\nlines",
        ] {
            assert_eq!(to_whatsapp(&to_html(text)).as_deref(), Some(text));
        }
    }

    #[test]
    fn links_stand_among_marks_and_break_none() {
        let link = |text: &str, words: &str, address: &str| {
            let at = text.find(words).unwrap();
            to_linked_html(text, &[(at..at + words.len(), address.to_owned())])
        };
        for (text, words, html) in [
            ("hi @Bob!", "@Bob", r#"hi <a href="x">@Bob</a>!"#),
            (
                "*@Bob* _a_",
                "@Bob",
                r#"<strong><a href="x">@Bob</a></strong> <em>a</em>"#,
            ),
            ("a < @B_b_", "@B_b_", r#"a &lt; <a href="x">@B_b_</a>"#),
            ("@<b>\nx", "@<b>", r#"<a href="x">@&lt;b&gt;</a><br>x"#),
        ] {
            assert_eq!(link(text, words, "x"), html);
        }
        assert_eq!(link("@a", "@a", "\"><b>"), r#"<a href="&quot;&gt;&lt;b&gt;">@a</a>"#);
        assert_eq!(link("\u{f8ff} @a", "@a", "x"), "\u{f8ff} @a");
        let ranges = [(0..99, "x".to_owned()), (1..2, "y".to_owned())];
        assert_eq!(to_linked_html("é", &ranges), "é");
    }

    /// Customers may write anything: no text may open an element of its own, or take long.
    #[test]
    fn hostile_text_opens_no_element() {
        for text in [
            "*<script>*".to_owned(),
            "`</code><b>`".to_owned(),
            "```</pre><img src=x>```".to_owned(),
            "*_~".repeat(2_000),
            "* ".repeat(3_000),
            "`*`".repeat(2_000),
            "> ".repeat(3_000),
        ] {
            let html = to_html(&text);
            for element in ["<script", "<img", "<b>", "</code><b"] {
                assert!(!html.contains(element), "{element}");
            }
            let opened = |name: &str| html.matches(&format!("<{name}>")).count();
            let closed = |name: &str| html.matches(&format!("</{name}>")).count();
            for name in ["strong", "em", "del", "code", "blockquote"] {
                assert_eq!(opened(name), closed(name), "{name}");
            }
        }
    }
}

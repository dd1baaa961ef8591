//! Converts the HTML of an agent's text into the marks of WhatsApp: `*bold*`, `_italic_`, `~struck~`, `` `code` ``, lists
//! and quotes (faq.whatsapp.com/539178204879377). Element sends Markdown as `body`, which customers would read raw.

use ruma_html::{ElementData, Html, NodeData, NodeRef, SanitizerConfig};

/// Number of tags above which the HTML is not read. Nested tags cost stack, and anybody in a room may write them.
const MAX_TAGS: usize = 2_000;

/// Marks of a stretch of text.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each mark is there or not, whatever the others are"
)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Style {
    bold: bool,
    italic: bool,
    struck: bool,
    code: bool,
}

/// A mark, and whether a stretch of text has it.
type Mark = (char, fn(Style) -> bool);

/// Marks in the order in which they nest, the outermost first.
const MARKS: [Mark; 4] = [
    ('*', |style| style.bold),
    ('_', |style| style.italic),
    ('~', |style| style.struck),
    ('`', |style| style.code),
];

/// Stretch of text on one line with the same marks.
#[derive(Clone, Debug)]
struct Run {
    text: String,
    style: Style,
}

/// Returns the HTML as WhatsApp's text. `None` if it shows nothing, or has more than [`MAX_TAGS`] tags.
pub fn to_whatsapp(html: &str) -> Option<String> {
    if html.matches('<').count() > MAX_TAGS {
        return None;
    }
    let html = Html::parse(html);
    let config = SanitizerConfig::compat().remove_reply_fallback();
    html.sanitize_with(&config.remove_elements(["script", "style"]));
    let mut page = Page::default();
    for node in html.children() {
        page.node(&node, Style::default());
    }
    let text = page.finish();
    (!text.is_empty()).then_some(text)
}

/// Lines that are built from the tree.
#[derive(Default)]
struct Page {
    lines: Vec<Vec<Run>>,
    line: Vec<Run>,
    /// Put before each line: quotes and the indentation of lists.
    prefix: String,
    /// Put before the next line only: the mark of a list's item.
    item: Option<String>,
    /// A blank line is due before the next text.
    gap: bool,
    /// Spaces and line breaks count as they stand.
    verbatim: bool,
}

impl Page {
    fn node(&mut self, node: &NodeRef, style: Style) {
        match node.data() {
            NodeData::Text(text) => self.text(&text.borrow(), style),
            NodeData::Element(element) => self.element(node, element, style),
            NodeData::Document | NodeData::Other => {}
        }
    }

    fn children(&mut self, node: &NodeRef, style: Style) {
        for child in node.children() {
            self.node(&child, style);
        }
    }

    fn element(&mut self, node: &NodeRef, element: &ElementData, style: Style) {
        match &*element.name.local {
            "strong" | "b" => self.children(node, Style { bold: true, ..style }),
            "em" | "i" => self.children(node, Style { italic: true, ..style }),
            "del" | "s" | "strike" => self.children(node, Style { struck: true, ..style }),
            "code" if !self.verbatim => self.children(node, Style { code: true, ..style }),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.block(|page| page.children(node, Style { bold: true, ..style }));
            }
            "a" => self.link(node, element, style),
            "br" => self.end_line(),
            "hr" => self.block(|page| page.push("---", Style::default())),
            "img" => {
                let alt = attribute(element, "alt").or_else(|| attribute(element, "title"));
                self.push(&alt.unwrap_or_default(), style);
            }
            "pre" => self.block(|page| page.preformatted(node)),
            "blockquote" => self.block(|page| page.prefixed("> ", |page| page.children(node, style))),
            "ul" | "ol" => self.list(node, element, style),
            "li" => self.block(|page| page.children(node, style)),
            "tr" => {
                self.children(node, style);
                self.end_line();
            }
            "td" | "th" => {
                if !self.line.is_empty() {
                    self.push(" | ", Style::default());
                }
                self.children(node, style);
            }
            "p" | "div" | "table" | "details" => self.block(|page| page.children(node, style)),
            _ => self.children(node, style),
        }
    }

    /// Adds a text. Outside preformatted text, each stretch of white space is one space.
    fn text(&mut self, text: &str, style: Style) {
        if self.verbatim {
            for (at, line) in text.split('\n').enumerate() {
                if at > 0 {
                    self.end_line();
                }
                self.push(line, Style::default());
            }
            return;
        }
        let mut folded = String::with_capacity(text.len());
        for character in text.chars() {
            let is_space = matches!(character, ' ' | '\n' | '\t' | '\r');
            if !is_space {
                folded.push(character);
            } else if !folded.ends_with(' ') {
                folded.push(' ');
            }
        }
        let before = self.line.last().and_then(|run| run.text.chars().next_back());
        let is_after_space = before.is_none_or(|before| before == ' ');
        self.push(
            if is_after_space {
                folded.trim_start_matches(' ')
            } else {
                &folded
            },
            style,
        );
    }

    fn push(&mut self, text: &str, style: Style) {
        if text.is_empty() {
            return;
        }
        if self.line.is_empty() {
            self.fill_gap();
            let item = self.item.take().unwrap_or_default();
            let start = format!("{}{item}", self.prefix);
            if !start.is_empty() {
                self.line.push(plain(&start));
            }
        }
        self.line.push(Run {
            text: text.to_owned(),
            style,
        });
    }

    fn end_line(&mut self) {
        self.lines.push(std::mem::take(&mut self.line));
    }

    /// Ends the line if something is on it.
    fn close_line(&mut self) {
        if !self.line.is_empty() {
            self.end_line();
        }
    }

    /// Adds the blank line that is due, unless nothing stands before it.
    fn fill_gap(&mut self) {
        if std::mem::take(&mut self.gap) && !self.lines.is_empty() {
            self.lines.push(vec![plain(self.prefix.trim_end())]);
        }
    }

    /// Adds something that stands on lines of its own, with a blank line before and after.
    fn block(&mut self, content: impl FnOnce(&mut Self)) {
        self.end_block();
        content(self);
        self.end_block();
    }

    fn end_block(&mut self) {
        self.close_line();
        // An item's mark stands before its first block.
        self.gap = self.item.is_none();
    }

    fn prefixed(&mut self, prefix: &str, content: impl FnOnce(&mut Self)) {
        // The blank line before belongs to what is around.
        self.fill_gap();
        let length = self.prefix.len();
        self.prefix.push_str(prefix);
        content(self);
        self.close_line();
        self.gap = false;
        self.prefix.truncate(length);
    }

    /// Adds text in a monospaced block; WhatsApp shows no marks inside.
    fn preformatted(&mut self, node: &NodeRef) {
        self.push("```", Style::default());
        self.verbatim = true;
        self.children(node, Style::default());
        self.verbatim = false;
        // Markdown ends the text with a line break.
        if self.line.is_empty() {
            self.line = self.lines.pop().unwrap_or_default();
        }
        self.push("```", Style::default());
    }

    /// Adds a link as its words and its address. Only the words for a mention, only the address if the words are it.
    fn link(&mut self, node: &NodeRef, element: &ElementData, style: Style) {
        let (lines, runs) = (self.lines.len(), self.line.len());
        let begins_line = runs == 0 && (!self.prefix.is_empty() || self.item.is_some());
        // The line's first run may be the mark of a quotation or a list, which is none of the link's words.
        let runs = runs + usize::from(begins_line);
        self.children(node, style);
        let address = attribute(element, "href").unwrap_or_default();
        if is_pill(&address) && lines == self.lines.len() {
            // As people write a mention, and as it is found in a group.
            let words = self.line.get_mut(runs);
            if let Some(words) = words.filter(|run| !run.text.starts_with('@')) {
                words.text.insert(0, '@');
            }
            return;
        }
        let words: String = if lines == self.lines.len() {
            self.line.iter().skip(runs).map(|run| run.text.as_str()).collect()
        } else {
            String::new()
        };
        let bare = address.strip_prefix("mailto:").unwrap_or(&address);
        let is_mention = address.starts_with("https://matrix.to/") || address.starts_with("matrix:");
        if bare.is_empty() || is_mention || words.trim() == bare {
            return;
        }
        let is_same = |scheme: &str| {
            bare.strip_prefix(scheme)
                .is_some_and(|rest| rest.trim_end_matches('/') == words.trim())
        };
        if words.trim().is_empty() || is_same("https://") || is_same("http://") {
            self.line.truncate(runs);
            self.push(bare, Style::default());
        } else {
            self.push(&format!(" ({bare})"), Style::default());
        }
    }

    fn list(&mut self, node: &NodeRef, element: &ElementData, style: Style) {
        let is_nested = !self.prefix.is_empty() || self.item.is_some() || !self.line.is_empty();
        self.close_line();
        self.gap = !is_nested;
        let is_numbered = &*element.name.local == "ol";
        let start: i64 = attribute(element, "start")
            .and_then(|start| start.parse().ok())
            .unwrap_or(1);
        for (number, item) in (start..).zip(node.children().filter(|child| child.as_element().is_some())) {
            let mark = if is_numbered {
                format!("{number}. ")
            } else {
                "- ".to_owned()
            };
            let indent = " ".repeat(mark.len());
            self.fill_gap();
            self.item = Some(mark);
            let length = self.prefix.len();
            self.children_of_item(&item, style, &indent);
            self.prefix.truncate(length);
            self.item = None;
            self.gap = false;
        }
        self.gap = !is_nested;
    }

    /// Adds an item: its mark before the first line, the indentation before the others.
    fn children_of_item(&mut self, item: &NodeRef, style: Style, indent: &str) {
        for child in item.children() {
            let is_first = self.item.is_some();
            self.node(&child, style);
            if is_first && self.item.is_none() {
                self.prefix.push_str(indent);
            }
        }
        self.close_line();
    }

    fn finish(mut self) -> String {
        self.close_line();
        let lines: Vec<String> = self.lines.iter().map(|runs| marked(runs, 0)).collect();
        let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
        lines.join("\n").trim_matches('\n').to_owned()
    }
}

fn plain(text: &str) -> Run {
    Run {
        text: text.to_owned(),
        style: Style::default(),
    }
}

/// Returns whether an address is that of a user of Matrix, so that clients draw a pill.
fn is_pill(address: &str) -> bool {
    let user = address.strip_prefix("https://matrix.to/#/");
    user.is_some_and(|user| user.starts_with('@') || user.starts_with("%40")) || address.starts_with("matrix:u/")
}

fn attribute(element: &ElementData, name: &str) -> Option<String> {
    let attributes = element.attrs.borrow();
    let found = attributes.iter().find(|attribute| &*attribute.name.local == name)?;
    Some(found.value.to_string())
}

/// Returns a line with the marks from `level` of [`MARKS`] on.
fn marked(runs: &[Run], level: usize) -> String {
    let Some((mark, has)) = MARKS.get(level) else {
        return runs.iter().map(|run| run.text.as_str()).collect();
    };
    let mut line = String::new();
    let mut rest = runs;
    while let Some(first) = rest.first() {
        let is_marked = has(first.style);
        let length = rest.iter().take_while(|run| has(run.style) == is_marked).count();
        let (group, after) = rest.split_at(length);
        let next = after.iter().find_map(|run| run.text.chars().next());
        line = joined(line, &marked(group, level + 1), is_marked.then_some(*mark), next);
        rest = after;
    }
    line
}

/// Appends `text` to a line, between marks if there is one. WhatsApp reads a mark only at the edge of a word and next to
/// the text: spaces stay outside, and a mark inside a word is left out.
fn joined(mut line: String, text: &str, mark: Option<char>, next: Option<char>) -> String {
    let words = text.trim();
    let is_word = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    let Some(mark) = mark.filter(|_| !words.is_empty()) else {
        return line + text;
    };
    let start = text.len() - text.trim_start().len();
    let (before, after) = (&text[..start], &text[start + words.len()..]);
    line.push_str(before);
    if is_word(line.chars().next_back()) || (after.is_empty() && is_word(next)) {
        line.push_str(words);
    } else {
        line.push(mark);
        line.push_str(words);
        line.push(mark);
    }
    line + after
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(html: &str) -> String {
        to_whatsapp(html).unwrap_or_default()
    }

    #[test]
    fn html_becomes_whatsapp_marks() {
        for (html, text) in [
            (
                r#"<strong>Sale</strong> <a href="https://e.org/a_b_c">list</a>"#,
                "*Sale* list (https://e.org/a_b_c)",
            ),
            ("<p>one</p>\n<p>two</p>\n", "one\n\ntwo"),
            ("one<br>two<br/>\nthree", "one\ntwo\nthree"),
            (
                "<b>bold <i>both</i></b> <del>gone</del> <u>under</u>",
                "*bold _both_* ~gone~ under",
            ),
            ("<strong> wide </strong>gap", "*wide* gap"),
            ("un<b>believ</b>able", "unbelievable"),
            ("<b></b>x<b> </b>y", "x y"),
            ("<b>two<br>lines</b>", "*two*\n*lines*"),
            ("use <code>a_b*c</code> now", "use `a_b*c` now"),
            (
                "<pre><code class=\"language-sh\">ls  -l\necho *\n</code></pre>",
                "```ls  -l\necho *```",
            ),
            (
                "<p>buy</p>\n<ul>\n<li>milk</li>\n<li><em>eggs</em></li>\n</ul>\n<p>bye</p>",
                "buy\n\n- milk\n- _eggs_\n\nbye",
            ),
            ("<ol start=\"3\"><li>c</li><li>d</li></ol>", "3. c\n4. d"),
            ("<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "- a\n  - b\n- c"),
            ("<ul><li><p>a</p></li><li><p>b</p></li></ul>", "- a\n- b"),
            (
                "<blockquote>\n<p>said</p>\n</blockquote>\n<p>answer</p>",
                "> said\n\nanswer",
            ),
            ("<h2>Title</h2><p>text</p>", "*Title*\n\ntext"),
            ("<a href=\"https://e.org\">https://e.org</a>", "https://e.org"),
            ("<a href=\"https://e.org/\">e.org</a>", "https://e.org/"),
            (
                "<ul><li><a href=\"https://e.org\">https://e.org</a></li></ul>",
                "- https://e.org",
            ),
            (
                "<blockquote><ol><li><a href=\"https://e.org/\">e.org</a> now</li></ol></blockquote>",
                "> 1. https://e.org/ now",
            ),
            (
                "<blockquote><a href=\"https://e.org/x\">here</a></blockquote>",
                "> here (https://e.org/x)",
            ),
            ("<a href=\"mailto:a_b@e.org\">a_b@e.org</a>", "a_b@e.org"),
            ("<a href=\"https://matrix.to/#/@bob:e.org\">Bob</a>: hi", "@Bob: hi"),
            (
                "<ul><li><a href=\"https://matrix.to/#/%40bob%3Ae.org\">Bob</a></li></ul>",
                "- @Bob",
            ),
            (
                "<blockquote><a href=\"matrix:u/bob:e.org\"><b>Bob</b></a> said</blockquote>",
                "> *@Bob* said",
            ),
            ("<a href=\"https://matrix.to/#/@bob:e.org\">@Bob</a>", "@Bob"),
            ("<a href=\"https://matrix.to/#/@bob:e.org\"></a>x", "x"),
            ("<a href=\"https://matrix.to/#/#room:e.org\">the room</a>", "the room"),
            (
                "<a href=\"https://e.org/x\"><strong>here</strong></a>.",
                "*here* (https://e.org/x).",
            ),
            ("3 &lt; 4 &amp;&amp; 5", "3 < 4 && 5"),
            ("<mx-reply><blockquote>old</blockquote></mx-reply>new", "new"),
            ("<span data-mx-spoiler>secret</span>", "secret"),
            ("<script>alert(1)</script>x", "x"),
            (
                "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>",
                "a | b\n1 | 2",
            ),
            ("<p>a</p><hr><p>b</p>", "a\n\n---\n\nb"),
        ] {
            assert_eq!(shown(html), text, "{html}");
        }
    }

    /// As deep as a hundred answers to answers are, in clients that quote.
    #[test]
    fn nested_quotes_and_lists_end_with_their_text() {
        for (open, close) in [
            ("<blockquote>", "</blockquote>"),
            ("<ul><li>", "</li></ul>"),
            ("<ol><li><blockquote>", "</blockquote></li></ol>"),
            ("<mx-reply><blockquote>", "</blockquote></mx-reply>"),
        ] {
            let text = shown(&format!("{}deep{}said", open.repeat(100), close.repeat(100)));
            assert!(text.ends_with("said"), "{open}");
            assert!(text.len() < 100_000, "{open}: {} bytes", text.len());
        }
    }

    #[test]
    fn deep_html_is_left_unread() {
        assert_eq!(to_whatsapp(&"<b>".repeat(20_000)), None);
        let deep = format!("{}x", "<b>".repeat(1_900));
        let _: Option<String> = to_whatsapp(&deep);
        assert_eq!(to_whatsapp(" <p> </p> "), None);
    }
}

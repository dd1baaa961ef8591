//! Checks what a template contains: a small part of Jinja. The text is cut into tags with the rules of minijinja's own lexer, and
//! each tag is held against the lists here before the engine sees it. So a later version of the engine, with more filters
//! or statements, gives templates nothing new.

use super::TemplateFault;

/// Statements that a template may use.
const STATEMENTS: &[&str] = &["if", "elif", "else", "endif", "for", "endfor", "set"];

/// Filters that a template may use: none makes a long text of a short one without being charged for it first.
pub const FILTERS: &[&str] = &[
    "abs",
    "capitalize",
    "count",
    "d",
    "default",
    "first",
    "float",
    "int",
    "join",
    "last",
    "length",
    "lower",
    "replace",
    "round",
    "title",
    "trim",
    "upper",
];

/// Tests (`x is …`) that a template may use.
pub const TESTS: &[&str] = &[
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "equalto",
    "even",
    "false",
    "ge",
    "gt",
    "in",
    "le",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sequence",
    "startingwith",
    "string",
    "true",
    "undefined",
];

/// Words that may stand before a parenthesis without being called.
const OPERATORS: &[&str] = &["and", "elif", "else", "if", "in", "is", "not", "or"];

/// Most words and signs in one tag. The engine compiles chains such as `1+1+1` by recursion.
pub const MAX_TOKENS: usize = 200;
/// Most brackets within each other.
pub const MAX_BRACKETS: usize = 10;
/// Most blocks within each other; each `elif` counts as one.
pub const MAX_DEPTH: usize = 20;

/// A piece of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'s> {
    Word(&'s str),
    Text,
    Number,
    Sign(char),
}

/// Kind of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TagKind {
    /// `{{ … }}`.
    Print,
    /// `{% … %}`.
    Statement,
}

impl TagKind {
    const fn begin(self) -> &'static str {
        match self {
            Self::Print => "{{",
            Self::Statement => "{%",
        }
    }

    const fn end(self) -> &'static str {
        match self {
            Self::Print => "}}",
            Self::Statement => "%}",
        }
    }
}

/// Refuses a text that uses anything but what templates may use, or nests too deep.
pub fn check(source: &str) -> Result<(), TemplateFault> {
    let mut blocks: Vec<usize> = vec![];
    let mut rest = Rest { source, at: 0 };
    while let Some(kind) = rest.next_tag()? {
        let line = rest.line();
        let tokens = rest.tokens(kind)?;
        if kind == TagKind::Statement {
            check_statement(&tokens, &mut blocks).map_err(|detail| TemplateFault::in_body(line, detail))?;
        }
        check_tag(&tokens).map_err(|detail| TemplateFault::in_body(line, detail))?;
    }
    Ok(())
}

fn check_statement(tokens: &[Token<'_>], blocks: &mut Vec<usize>) -> Result<(), String> {
    let Some(Token::Word(statement)) = tokens.first() else {
        return Err("a `{%` begins with a statement, such as `if`".to_owned());
    };
    if !STATEMENTS.contains(statement) {
        return Err(format!(
            "`{statement}` cannot be used in templates; the statements are {}",
            STATEMENTS.join(", ")
        ));
    }
    match *statement {
        "if" | "for" => blocks.push(1),
        "elif" => {
            if let Some(block) = blocks.last_mut() {
                *block += 1;
            }
        }
        "endif" | "endfor" => {
            blocks.pop();
        }
        "set" if !tokens.contains(&Token::Sign('=')) => {
            return Err("`set` needs a value, such as `{% set greeting = \"Hello\" %}`".to_owned());
        }
        _ => {}
    }
    if blocks.iter().sum::<usize>() > MAX_DEPTH {
        return Err(format!(
            "more than {MAX_DEPTH} blocks are within each other; write it flatter"
        ));
    }
    Ok(())
}

/// Purpose of a bracket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bracket {
    /// `(`: arguments of a filter or a test.
    Arguments,
    /// `(`: a part of an expression.
    Group,
    /// `[`: an index or a slice.
    Index,
    /// `[`: a list of texts and numbers.
    List,
}

fn check_tag(tokens: &[Token<'_>]) -> Result<(), String> {
    let mut brackets: Vec<Bracket> = vec![];
    // Whether a value may begin here.
    let mut begins = true;
    // Whether a filter or a test may get arguments here.
    let mut takes = false;
    for (at, token) in tokens.iter().enumerate() {
        let before = |back: usize| at.checked_sub(back).map(|at| tokens[at]);
        let (began, took) = (begins, std::mem::take(&mut takes));
        let is_filter = before(1) == Some(Token::Sign('|'));
        let is_tested = is_keyword(tokens, at.checked_sub(1), "is")
            || (before(1) == Some(Token::Word("not")) && is_keyword(tokens, at.checked_sub(2), "is"));
        if is_filter && !matches!(token, Token::Word(_)) {
            return Err("a filter's name is missing after `|`".to_owned());
        }
        let is_constant = matches!(token, Token::Text | Token::Number | Token::Sign(',' | '-' | ']'));
        if brackets.last() == Some(&Bracket::List) && !is_constant {
            return Err("a list has texts and numbers only; write `[\"new\", \"lead\"]`".to_owned());
        }
        begins = match *token {
            Token::Word("not") if is_tested && before(1) != Some(Token::Word("not")) => true,
            Token::Word(word) if is_filter || is_tested => {
                let (what, known) = if is_filter {
                    ("filter", FILTERS)
                } else {
                    ("test", TESTS)
                };
                if !known.contains(&word) {
                    return Err(format!("there is no {what} `{word}`; there are {}", known.join(", ")));
                }
                takes = true;
                // A test takes one argument without brackets.
                is_tested
            }
            // The engine does not count it among the variables.
            Token::Word("self") if before(1) != Some(Token::Sign('.')) => return Err("there is no `self`".to_owned()),
            Token::Word(word) => before(1) != Some(Token::Sign('.')) && OPERATORS.contains(&word),
            Token::Text | Token::Number => false,
            Token::Sign('(') if took => {
                brackets.push(Bracket::Arguments);
                true
            }
            Token::Sign('(') if began => {
                brackets.push(Bracket::Group);
                true
            }
            Token::Sign('(') => return Err("templates call no functions; use a filter, such as `| upper`".to_owned()),
            Token::Sign('[') => {
                brackets.push(if began { Bracket::List } else { Bracket::Index });
                true
            }
            Token::Sign(')' | ']') => {
                brackets.pop();
                false
            }
            Token::Sign(',') if !matches!(brackets.last(), Some(Bracket::Arguments | Bracket::List)) => {
                return Err("a comma stands between the arguments of a filter, or in a list; remove it".to_owned());
            }
            Token::Sign('{' | '}') => return Err("templates make no maps; use the customer's attributes".to_owned()),
            // A short template makes a large thing by doubling it: numbers, texts and lists are not added up.
            Token::Sign(sign @ ('+' | '*' | '/' | '%')) => return Err(no_arithmetic(sign)),
            Token::Sign('-') if !began => return Err(no_arithmetic('-')),
            Token::Sign(_) => true,
        };
    }
    Ok(())
}

fn no_arithmetic(sign: char) -> String {
    format!("templates do not calculate (`{sign}`); let your program do it, and join texts with `~`")
}

/// Returns whether a token is this word and no attribute of that name.
fn is_keyword(tokens: &[Token<'_>], at: Option<usize>, word: &str) -> bool {
    let Some(at) = at else { return false };
    tokens[at] == Token::Word(word) && (at == 0 || tokens[at - 1] != Token::Sign('.'))
}

/// Rest of the source.
struct Rest<'s> {
    source: &'s str,
    at: usize,
}

impl<'s> Rest<'s> {
    fn text(&self) -> &'s str {
        &self.source[self.at..]
    }

    fn line(&self) -> usize {
        1 + self.source[..self.at].matches('\n').count()
    }

    /// Goes behind the next `{{` or `{%`. Passes comments over.
    fn next_tag(&mut self) -> Result<Option<TagKind>, TemplateFault> {
        loop {
            let Some(found) = self.text().find('{') else {
                return Ok(None);
            };
            self.at += found;
            let kind = match self.text().as_bytes().get(1) {
                Some(b'{') => TagKind::Print,
                Some(b'%') => TagKind::Statement,
                Some(b'#') => {
                    let text = self.text();
                    let begin = if text[2..].starts_with(['-', '+']) { 3 } else { 2 };
                    let Some(end) = text[begin..].find("#}") else {
                        let detail = "a comment is not closed; end it with `#}`";
                        return Err(TemplateFault::in_body(self.line(), detail));
                    };
                    self.at += begin + end + 2;
                    continue;
                }
                _ => {
                    self.at += 1;
                    continue;
                }
            };
            self.at += kind.begin().len();
            if self.text().starts_with(['-', '+']) {
                self.at += 1;
            }
            return Ok(Some(kind));
        }
    }

    /// Cuts a tag into its tokens, and goes behind its end.
    fn tokens(&mut self, kind: TagKind) -> Result<Vec<Token<'s>>, TemplateFault> {
        let line = self.line();
        let wrong = |detail: String| Err(TemplateFault::in_body(line, detail));
        let mut tokens = vec![];
        let mut brackets = 0_usize;
        loop {
            let text = self.text();
            let Some(first) = text.chars().next() else {
                return wrong(format!(
                    "`{}` is not closed; end it with `{}`",
                    kind.begin(),
                    kind.end()
                ));
            };
            if first.is_ascii_whitespace() {
                self.at += 1;
                continue;
            }
            if brackets == 0 {
                let end = text.strip_prefix(['-', '+']).unwrap_or(text);
                if end.starts_with(kind.end()) || text.starts_with(kind.end()) {
                    self.at += text.len() - end.len() + kind.end().len();
                    return Ok(tokens);
                }
            }
            let (token, length) = match first {
                '"' | '\'' => match text_literal(text, first) {
                    Some(length) => (Token::Text, length),
                    None => return wrong(format!("a text is not closed; end it with {first}")),
                },
                '0'..='9' => (Token::Number, length_while(text, |c| c.is_ascii_digit())),
                'a'..='z' | 'A'..='Z' | '_' => {
                    let length = length_while(text, |c| c.is_ascii_alphanumeric() || c == '_');
                    (Token::Word(&text[..length]), length)
                }
                sign => (Token::Sign(sign), sign.len_utf8()),
            };
            match token {
                Token::Sign('(' | '[' | '{') => brackets += 1,
                Token::Sign(sign @ (')' | ']' | '}')) => match brackets.checked_sub(1) {
                    Some(left) => brackets = left,
                    None => return wrong(format!("`{sign}` closes nothing; remove it")),
                },
                _ => {}
            }
            if brackets > MAX_BRACKETS {
                return wrong(format!(
                    "more than {MAX_BRACKETS} brackets are within each other; write it flatter"
                ));
            }
            tokens.push(token);
            if tokens.len() > MAX_TOKENS {
                return wrong(format!(
                    "one `{}` has more than {MAX_TOKENS} words and signs; divide it",
                    kind.begin()
                ));
            }
            self.at += length;
        }
    }
}

/// Returns the length of the text literal at the beginning, with its quotation marks.
fn text_literal(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn length_while(text: &str, takes: impl Fn(char) -> bool) -> usize {
    text.find(|c| !takes(c)).unwrap_or(text.len())
}

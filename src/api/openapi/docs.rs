//! Documents the handlers: the doc comments that `build.rs` has collected.

/// Each handler's path and its doc comment.
const HANDLERS: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/handlers.rs"));

/// Documentation of a handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doc {
    /// The route and its scope, as the comment names them.
    pub route: String,
    /// First sentence, without its full stop.
    pub summary: String,
    /// All of it.
    pub description: String,
}

impl Doc {
    /// Returns the documentation of a handler; empty if it has none.
    pub fn of(handler: &str) -> Self {
        let found = HANDLERS.iter().find(|(path, _)| *path == handler);
        Self::read(found.map_or("", |(_, text)| text))
    }

    /// Reads "`GET /things`, scope `read`: lists things. More of it."
    fn read(text: &str) -> Self {
        let (route, told) = text.split_once(": ").unwrap_or(("", text));
        let description = capital(&without_rules(told).replace("[`", "`").replace("`]", "`"));
        let summary = description.split(". ").next().unwrap_or_default();
        Self {
            route: route.to_owned(),
            summary: summary.trim_end_matches('.').to_owned(),
            description,
        }
    }

    /// Returns the statuses of problems, and 304, that the text names.
    pub fn statuses(&self) -> impl Iterator<Item = u16> {
        let words = self.description.split(|c: char| !c.is_ascii_alphanumeric());
        let numbers = words
            .filter(|word| word.len() == 3)
            .filter_map(|word| word.parse().ok());
        numbers.filter(|status| *status == 304 || (400..600).contains(status))
    }

    /// Returns whether the text names a header, in backquotes.
    pub fn names(&self, header: &str) -> bool {
        self.description.contains(&format!("`{header}"))
    }
}

/// Removes "(rule 25)": the rules are for those who read the source.
fn without_rules(text: &str) -> String {
    let mut parts = text.split(" (rule ");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str(part.split_once(')').map_or("", |(_, rest)| rest));
    }
    kept
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doc_is_split_into_route_summary_and_statuses() {
        let text = "`POST /things/{id}/undo`, scope `manage`: undoes it (rule 26). With `If-Match` answers 412 if it has \
                    changed, for 100 days; 304 if not.";
        let doc = Doc::read(text);
        assert_eq!(doc.route, "`POST /things/{id}/undo`, scope `manage`");
        assert_eq!(doc.summary, "Undoes it");
        assert!(doc.description.starts_with("Undoes it. With `If-Match`"), "{doc:?}");
        assert_eq!(doc.statuses().collect::<Vec<_>>(), [412, 304]);
        assert!(doc.names("If-Match") && !doc.names("Range"));
        assert_eq!(Doc::of("crm::api::none").summary, "");
    }
}

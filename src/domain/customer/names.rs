//! Choice of a customer's name: by source in a fixed order of priority, and within a source the newest.

use super::{Identity, IdentityKind};
use crate::domain::Timestamp;
use crate::domain::word::words;

words! {
    /// Source of a customer's name, in the order of priority.
    NameSource {
        /// A person at the desk set it.
        Set = "set",
        /// The address book of the account's phone has it.
        Saved = "saved",
        /// The customer has chosen it in WhatsApp.
        Push = "push",
        /// No name is known: the phone number, or a replacement for it.
        Number = "number",
    }
}

/// Names that are known of a customer, by source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Name that a person set.
    pub given: Option<String>,
    /// Name in the phone's address book.
    pub saved: Option<String>,
    /// Name that the customer has chosen.
    pub push: Option<String>,
    /// Time when WhatsApp last reported a changed name.
    pub told_at: Timestamp,
}

impl Names {
    fn of(&self, source: NameSource) -> Option<&String> {
        match source {
            NameSource::Set => self.given.as_ref(),
            NameSource::Saved => self.saved.as_ref(),
            NameSource::Push => self.push.as_ref(),
            NameSource::Number => None,
        }
    }
}

/// Returns the best name of a customer, `own`, with whom others may have been merged. Within one source, a name that
/// people set for the customer itself comes before those of the others, and a name from WhatsApp that is newer before
/// an older one. Returns `None` if no name is known.
pub fn best(own: &Names, others: &[Names]) -> Option<(NameSource, String)> {
    NameSource::ALL.iter().find_map(|source| {
        let mut all: Vec<&Names> = std::iter::once(own).chain(others).collect();
        if *source != NameSource::Set {
            all.sort_by_key(|names| std::cmp::Reverse(names.told_at));
        }
        let name = all.into_iter().find_map(|names| names.of(*source))?;
        Some((*source, name.clone()))
    })
}

/// Returns the name to show while no name is known: phone number, username or LID; `None` without any identity.
pub fn fallback(identities: &[Identity]) -> Option<String> {
    let of = |kind| identities.iter().find(|identity| identity.kind == kind);
    if let Some(phone) = of(IdentityKind::Phone) {
        return Some(phone.value.clone());
    }
    if let Some(username) = of(IdentityKind::Username) {
        return Some(format!("@{}", username.value));
    }
    of(IdentityKind::Lid).map(|lid| format!("WhatsApp {}", lid.value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(given: &str, saved: &str, push: &str, told_at: i64) -> Names {
        let some = |name: &str| Some(name.to_owned()).filter(|name| !name.is_empty());
        Names {
            given: some(given),
            saved: some(saved),
            push: some(push),
            told_at: Timestamp(told_at),
        }
    }

    #[test]
    fn better_name_source_wins_across_customers() {
        let shown = |own: &Names, others: &[Names]| best(own, others).map(|(source, name)| format!("{source} {name}"));
        let push = names("", "", "ada", 9);
        assert_eq!(shown(&push, &[]).unwrap(), "push ada");
        assert_eq!(shown(&push, &[names("", "Ada L.", "", 1)]).unwrap(), "saved Ada L.");
        assert_eq!(
            shown(&push, &[names("The countess", "Ada L.", "", 1)]).unwrap(),
            "set The countess"
        );
        assert_eq!(shown(&Names::default(), &[]), None);
    }

    /// Of two names from one source the newest is shown; the one that a person set stays.
    #[test]
    fn newest_name_wins_but_own_set_name_stays() {
        let older = names("mine", "", "ada", 1);
        let newer = names("theirs", "", "Ada", 2);
        assert_eq!(best(&older, std::slice::from_ref(&newer)).unwrap().1, "mine");
        let (older, newer) = (names("", "", "ada", 1), names("", "", "Ada", 2));
        assert_eq!(best(&older, &[newer]).unwrap().1, "Ada");
    }
}

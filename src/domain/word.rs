//! Enumerations whose values are words, the same in the database and in JSON.

/// Declares an enumeration with a word per value. Each word is written once, so that database and JSON cannot differ.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// All values, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The attributes of the enumeration, and of each value in the same order: among them what is documented of them,
            /// which the description of the API repeats.
            pub const NOTES: (&'static [&'static str], &'static [&'static [&'static str]]) =
                (&[$(stringify!($doc)),*], &[$(&[$(stringify!($vdoc)),*]),+]);

            /// Returns the word of the value.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::word::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    other => Err($crate::domain::word::UnknownWord {
                        word: other.to_owned(),
                        expected: &[$($word),+],
                    }),
                }
            }
        }
    };
}
pub(crate) use words;

/// Error: the word stands for no value.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{word}` is not one of {}", expected.join(", "))]
pub struct UnknownWord {
    /// The word that was found.
    pub word: String,
    /// The words that are known.
    pub expected: &'static [&'static str],
}

//! Fields of templates on the command line.

use std::collections::BTreeMap;

use crate::cli::{Exit, Fault};

/// Parses `NAME=VALUE`.
pub fn assignment(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=');
    let pair = pair.map(|(name, value)| (name.to_owned(), value.to_owned()));
    pair.ok_or_else(|| "give a field as NAME=VALUE".to_owned())
}

/// Returns the values of fields. A usage error if one is given twice.
pub fn filled(fields: Vec<(String, String)>) -> anyhow::Result<BTreeMap<String, String>> {
    let mut filled = BTreeMap::new();
    for (name, value) in fields {
        if filled.insert(name.clone(), value).is_some() {
            return Err(Fault::new(Exit::Usage, format!("the field {name} is given twice; give it once")).into());
        }
    }
    Ok(filled)
}

//! Reading the values of rows: words, JSON, hashes. A value that cannot be read is an error, never a panic.

use std::fmt::Display;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::StoreError;

/// Parses a word of the domain.
pub fn word<T: FromStr<Err: Display>>(table: &str, text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|error| StoreError::corrupt(table, error))
}

pub fn from_json<T: DeserializeOwned>(table: &str, text: &str) -> Result<T, StoreError> {
    // Tells the column of the fault, not the text: it may be a customer's.
    serde_json::from_str(text)
        .map_err(|error| StoreError::corrupt(table, format_args!("bad JSON at column {}", error.column())))
}

pub fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Unstorable(error.to_string()))
}

pub fn from_hex(table: &str, text: &str) -> Result<[u8; 32], StoreError> {
    let mut bytes = [0; 32];
    let wrong = || StoreError::corrupt(table, "not a SHA-256");
    if text.len() != 64 || !text.is_ascii() {
        return Err(wrong());
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).map_err(|_| wrong())?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::hex::hex;

    #[test]
    fn hash_round_trips_as_hex() {
        let hash: [u8; 32] = std::array::from_fn(|i| u8::try_from(i * 8).unwrap());
        assert_eq!(from_hex("t", &hex(&hash)).unwrap(), hash);
        for wrong in ["", "00", &"x".repeat(64), &"é".repeat(32)] {
            assert!(from_hex("t", wrong).is_err(), "{wrong}");
        }
    }
}

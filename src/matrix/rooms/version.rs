//! Versions of rooms that the homeserver offers.

use matrix_sdk::ruma::RoomVersionId;
use matrix_sdk::ruma::api::client::discovery::get_capabilities;

use super::caller::{Caller, send};
use crate::matrix::connection::LoginError;

/// Checks that the homeserver makes rooms of the configured version. Does nothing without one.
///
/// # Errors
/// [`LoginError::RoomVersion`], with the versions that it offers.
pub async fn check_version(caller: Caller<'_>, wanted: Option<&str>) -> Result<(), LoginError> {
    let Some(wanted) = wanted else {
        return Ok(());
    };
    let answer = send!(caller, get_capabilities::v3::Request::new())?;
    let offered = answer.capabilities.room_versions.available;
    if offered.keys().any(|version| version.as_str() == wanted) {
        return Ok(());
    }
    Err(LoginError::RoomVersion {
        wanted: wanted.to_owned(),
        offered: listed(offered.keys()),
    })
}

/// Returns the versions as a list for people: numbers first, in their order.
fn listed<'a>(versions: impl Iterator<Item = &'a RoomVersionId>) -> String {
    let mut versions: Vec<&str> = versions.map(RoomVersionId::as_str).collect();
    versions.sort_by_key(|version| (version.parse::<u32>().unwrap_or(u32::MAX), *version));
    versions.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offered_versions_are_listed_in_order() {
        let versions = ["9", "org.matrix.msc3787", "11", "10"].map(|version| RoomVersionId::try_from(version).unwrap());
        assert_eq!(listed(versions.iter()), "9, 10, 11, org.matrix.msc3787");
    }
}

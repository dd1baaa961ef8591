//! The bot's cross-signing identity, so that agents' clients show no warning beside its messages.

use matrix_sdk::Client;
use matrix_sdk::ruma::api::client::uiaa::{AuthData, Password, UserIdentifier};

use crate::matrix::options::MatrixOptions;
use crate::matrix::wire::Fault;

/// Signs our device with our identity, and creates the identity if there is none.
///
/// An identity whose keys we do not have (the folder was lost) is replaced, because our device could never be signed
/// with it. The homeserver requires the password for that.
pub(super) async fn ensure(client: &Client, options: &MatrixOptions) -> Result<(), Fault> {
    let encryption = client.encryption();
    encryption.wait_for_e2ee_initialization_tasks().await;
    if encryption
        .cross_signing_status()
        .await
        .is_some_and(|status| status.is_complete())
        && device_is_signed(client).await?
    {
        return Ok(());
    }
    let Err(error) = encryption.bootstrap_cross_signing(None).await else {
        return Ok(());
    };
    let Some(challenge) = error.as_uiaa_response() else {
        return Err(error.into());
    };
    let user = client
        .user_id()
        .ok_or_else(|| Fault::LoggedOut("the bot is not logged in".to_owned()))?;
    let mut answer = Password::new(
        UserIdentifier::from(user.to_owned()),
        options.password.reveal().to_owned(),
    );
    answer.session.clone_from(&challenge.session);
    encryption
        .bootstrap_cross_signing(Some(AuthData::Password(answer)))
        .await?;
    Ok(())
}

async fn device_is_signed(client: &Client) -> Result<bool, Fault> {
    let device = client.encryption().get_own_device().await;
    let device = device.map_err(|error| Fault::busy(error.to_string()))?;
    Ok(device.is_some_and(|device| device.is_verified_with_cross_signing()))
}

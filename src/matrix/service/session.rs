//! What the service knows of its homeserver while it is connected.

use matrix_sdk::ruma::api::client::account::{register, whoami};
use matrix_sdk::ruma::api::client::appservice::request_ping;
use matrix_sdk::ruma::api::client::device::update_device;
use matrix_sdk::ruma::{DeviceId, OwnedDeviceId, OwnedUserId, UserId};

use crate::domain::CustomerId;
use crate::matrix::connection::LoginError;
use crate::matrix::download;
use crate::matrix::homeserver::{Acting, Homeserver};
use crate::matrix::options::{Password, ServiceOptions};
use crate::matrix::rooms::{self, Caller};
use crate::matrix::wire::Fault;

/// Id of the one device that each of our users has, and its name in other clients.
const DEVICE: &str = "CRM";
const DEVICE_NAME: &str = "crm";

/// Synapse's answer to a ping that it could make, while it pushes again.
const ALREADY_PUSHING: &str = "AlreadyCalled";

/// A homeserver that knows our registration.
pub(in crate::matrix) struct Session {
    server: Homeserver,
    us: OwnedUserId,
    /// Beginning of the local parts of customers' users.
    prefix: String,
    /// Our users' device, where the homeserver lets us make devices.
    device: Option<OwnedDeviceId>,
}

impl Session {
    /// Connects: asks who we are, and makes our own user and its device.
    pub(super) async fn open(options: &ServiceOptions) -> Result<Self, LoginError> {
        let registration = &options.registration;
        let refused = |why: String| LoginError::Registration(why);
        let prefix = registration.user_prefix().map_err(|error| refused(error.to_string()))?;
        let server = Homeserver::open(&options.homeserver, Password::new(&registration.as_token)).await?;
        let us = match server.send(whoami::v3::Request::new()).await {
            Ok(known) => known.user_id,
            Err(passing @ (Fault::Network(_) | Fault::Busy { .. })) => return Err(passing.into()),
            Err(fault) => return Err(refused(fault.to_string())),
        };
        let mut session = Self {
            server,
            us,
            prefix,
            device: Some(OwnedDeviceId::from(DEVICE)),
        };
        let us = session.us.clone();
        match session.make_user(&us).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(
                    "the homeserver lets us make no devices, so a message may be shown twice after it was restarted; see `crm \
                     matrix check`"
                );
                session.device = None;
            }
            Err(passing @ (Fault::Network(_) | Fault::Busy { .. })) => return Err(passing.into()),
            Err(fault) => return Err(refused(fault.to_string())),
        }
        Ok(session)
    }

    /// Checks that the homeserver still knows our registration, and asks it to call us, which also makes it push at once what
    /// it kept while we were away. Returns what is wrong if it does not reach us.
    pub(super) async fn verify(&self, options: &ServiceOptions) -> Result<Option<String>, LoginError> {
        match self.server.send(whoami::v3::Request::new()).await {
            Ok(_) => {}
            Err(passing @ (Fault::Network(_) | Fault::Busy { .. })) => return Err(passing.into()),
            Err(fault) => return Err(LoginError::Registration(fault.to_string())),
        }
        Box::pin(rooms::check_version(self.caller(), options.room_version.as_deref())).await?;
        match self.ping(&options.registration.id).await {
            // A homeserver from before pings (Matrix 1.7) has none.
            Ok(()) | Err(Fault::Missing(_)) => Ok(None),
            Err(passing @ (Fault::Network(_) | Fault::Busy { .. })) => Err(passing.into()),
            Err(fault) => Ok(Some(format!(
                "the homeserver does not reach us, so agents' answers do not arrive: {fault}; `crm matrix check` says what to do"
            ))),
        }
    }

    /// Asks the homeserver to call us.
    pub(super) async fn ping(&self, id: &str) -> Result<(), Fault> {
        let request = request_ping::v1::Request::new(id.to_owned());
        match self.server.send(request).await {
            // Synapse has reached us, and fails to begin anew what it is doing already: pushing again what it kept.
            Err(Fault::Refused(why)) if why.contains(ALREADY_PUSHING) => Ok(()),
            called => called.map(|_| ()),
        }
    }

    /// Returns where files are fetched from.
    pub(super) fn files(&self) -> download::Source<'_> {
        self.server.files()
    }

    /// Returns our own user.
    pub(super) fn us(&self) -> &UserId {
        &self.us
    }

    /// Returns our own user as the sender of requests.
    pub(super) fn acting(&self) -> Acting<'_> {
        self.acting_as(&self.us)
    }

    /// Returns a user of ours as the sender of requests.
    pub(super) fn acting_as<'a>(&'a self, user: &'a UserId) -> Acting<'a> {
        self.server.acting(user, self.device.as_deref())
    }

    /// Returns our own user as the sender of requests about rooms.
    pub(super) fn caller(&self) -> Caller<'_> {
        Caller::Service(self.acting())
    }

    /// Returns the user of a customer.
    pub(super) fn ghost(&self, customer: CustomerId) -> Result<OwnedUserId, Fault> {
        Ok(UserId::parse(format!(
            "@{}{customer}:{}",
            self.prefix,
            self.us.server_name()
        ))?)
    }

    /// Returns our own user, and the pattern of customers' users.
    pub(super) fn own(&self) -> Vec<String> {
        vec![
            self.us.to_string(),
            format!("@{}*:{}", self.prefix, self.us.server_name()),
        ]
    }

    /// Returns whether a user is ours: our own or a customer's.
    pub(super) fn is_ours(&self, user: &str) -> bool {
        user == self.us.as_str() || self.is_ghost(user)
    }

    /// Returns whether a user is a customer's.
    fn is_ghost(&self, user: &str) -> bool {
        let number = user
            .strip_prefix('@')
            .and_then(|user| user.strip_prefix(self.prefix.as_str()))
            .and_then(|user| user.strip_suffix(self.us.server_name().as_str()))
            .and_then(|user| user.strip_suffix(':'));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// Makes one of our users with a device, unless they exist. Returns whether there is a device.
    pub(super) async fn make_user(&self, user: &UserId) -> Result<bool, Fault> {
        let mut request = register::v3::Request::new();
        request.username = Some(user.localpart().to_owned());
        request.login_type = Some(register::LoginType::ApplicationService);
        request.inhibit_login = true;
        match self.server.send(request).await {
            Ok(_) | Err(Fault::Taken(_)) => {}
            Err(fault) => return Err(fault),
        }
        let Some(device) = self.device.as_deref() else {
            return Ok(false);
        };
        self.make_device(user, device).await
    }

    async fn make_device(&self, user: &UserId, device: &DeviceId) -> Result<bool, Fault> {
        let mut request = update_device::v3::Request::new(device.to_owned());
        request.display_name = Some(DEVICE_NAME.to_owned());
        match self.acting_as(user).without_device().send(request).await {
            Ok(_) => Ok(true),
            // Only a homeserver that knows MSC4190, and is told so by the registration, makes a device in this way.
            Err(Fault::Missing(_)) => Ok(false),
            Err(fault) => Err(fault),
        }
    }
}

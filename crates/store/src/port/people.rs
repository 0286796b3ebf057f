//! Values of accounts: users, devices, keys, revocations.

use anser_domain::{DeviceId, DeviceName, Epoch, Millis, Role, UserId, UserName};

/// What a password is checked against: SCRAM-SHA-256 keys (RFC 5802 §3, RFC 7677).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScramKeys {
    /// Random.
    pub salt: Vec<u8>,
    /// How often PBKDF2 iterates.
    pub iterations: u32,
    /// `H(ClientKey)`.
    pub stored_key: [u8; 32],
    /// `HMAC(SaltedPassword, "Server Key")`.
    pub server_key: [u8; 32],
}

/// A user to be made.
#[derive(Clone, Debug)]
pub struct NewUserRow {
    /// Name, never reused.
    pub name: UserName,
    /// The name that people read.
    pub display_name: Box<str>,
    /// Standing.
    pub role: Role,
    /// Credential.
    pub keys: ScramKeys,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    /// Key.
    pub id: UserId,
    /// Name.
    pub name: UserName,
    /// The name that people read.
    pub display_name: Box<str>,
    /// Standing.
    pub role: Role,
    /// Whether they are shut out.
    pub disabled: bool,
    /// Credential.
    pub keys: ScramKeys,
    /// Raised whenever the credential changes or the user is disabled; tokens and tickets carry
    /// the version they were made under.
    pub credential_version: u64,
}

/// A change of a user.
#[derive(Clone, Debug)]
pub enum UserChange {
    /// A new credential: raises `credential_version`, ends every session but `keep`'s, and
    /// leaves a [`Revocation`].
    Keys {
        /// The next one.
        keys: ScramKeys,
        /// The device whose session stays, if any.
        keep: Option<DeviceId>,
        /// The credential version under which the old password was checked: `BadCredentials`
        /// when it has changed since. `None` when an administrator sets it.
        checked: Option<u64>,
    },
    /// Shut out, or let in again. Shutting out ends every session and leaves a [`Revocation`].
    Disabled(bool),
    /// The name that people read.
    DisplayName(Box<str>),
}

/// A sign-in's device: made when it is new.
#[derive(Clone, Debug)]
pub struct NewDevice {
    /// Whose.
    pub user: UserId,
    /// Its name.
    pub name: DeviceName,
    /// SHA-256 of the refresh token that begins its session; ends the one it had.
    pub refresh_hash: [u8; 32],
    /// The credential version under which the password was checked: `BadCredentials` when it
    /// has changed since. `None` when nothing was checked.
    pub checked: Option<u64>,
    /// Now.
    pub now: Millis,
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Key, never reused.
    pub id: DeviceId,
    /// Whose.
    pub user: UserId,
    /// Its name, unique among the user's.
    pub name: DeviceName,
    /// How often it has linked.
    pub epoch: Epoch,
    /// Which sign-in its tokens belong to: raised by each, 0 after the session was ended.
    pub session: u64,
    /// When it was made.
    pub created: Millis,
    /// When it last signed in or linked.
    pub seen: Millis,
}

/// A device together with what of its user decides whether its tokens still count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceSession {
    /// The device.
    pub device: Device,
    /// The user's name.
    pub user_name: UserName,
    /// The user's standing.
    pub role: Role,
    /// Whether the user is shut out.
    pub disabled: bool,
    /// The user's credential version.
    pub credential_version: u64,
}

/// A line in the durable list of ended sessions, which every SM follows: whoever ended them,
/// in whichever process, their links close within seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Ascending, without reuse.
    pub number: u64,
    /// Whose sessions.
    pub user: UserId,
    /// Only this device's; `None`: all but `keep`'s.
    pub device: Option<DeviceId>,
    /// The device that stays when `device` is `None`.
    pub keep: Option<DeviceId>,
    /// Whether it is because the user was shut out.
    pub disabled: bool,
}

/// A key that tokens and tickets are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Which; stands in what it signed.
    pub id: u64,
    /// Random.
    pub secret: [u8; 32],
    /// When it was made. The newest signs; older ones still verify until what they signed ends.
    pub created: Millis,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

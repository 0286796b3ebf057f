//! Registrations of devices for notifications: what is asked, and what is answered.

use crate::{id::Millis, name::DeviceName, outside::PushTarget};

/// What can be asked about the caller's devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushCommand {
    /// Notify a device, from now on and in this way only → `Done`. Ends with its session.
    Register {
        /// Which of the caller's devices.
        device: DeviceName,
        /// Where its notifications go.
        target: PushTarget,
        /// The language it wants them in, as a BCP 47 tag; may be empty.
        locale: Box<str>,
    },
    /// How a device is notified → `Push`.
    Show(DeviceName),
    /// Do not notify it any more → `Done`.
    Forget(DeviceName),
    /// Which services the server reaches devices by → `Services`.
    Services,
}

/// The answers that only these commands have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushReply {
    /// A device's registration; `None` when it has none.
    Record(Option<Box<PushRecord>>),
    /// Which services there are.
    Services(PushServices),
}

/// The services that the operator has keys for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushServices {
    /// Their names, as [`PushTarget::provider`] has them.
    pub providers: Vec<Box<str>>,
    /// What browsers subscribe with (RFC 8292): an uncompressed point on P-256, base64url.
    pub web_key: Option<Box<str>>,
}

/// A registration in its owner's eyes. Without the token: whoever has it can bother the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushRecord {
    /// The service, by [`PushTarget::provider`]'s name.
    pub provider: Box<str>,
    /// The language; may be empty.
    pub locale: Box<str>,
    /// When it was registered.
    pub registered: Millis,
    /// Notifications that the service took.
    pub taken: u64,
    /// Those it did not take.
    pub failed: u64,
    /// How the last one went; `None` before the first.
    pub last: Option<PushOutcome>,
}

/// How handing over a notification went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushOutcome {
    /// When.
    pub at: Millis,
    /// Whether the service took it.
    pub taken: bool,
    /// Why not; empty when it did.
    pub reason: Box<str>,
}

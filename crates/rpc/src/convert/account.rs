//! Names, credentials, callers, profiles, tokens.

use anser_domain::{
    Actor, Address, Caller, Credential, Details, DeviceId, DeviceName, DeviceRecord, Epoch,
    GroupName, Millis, Profile, Role, Secret, SignIn, Tokens, UserId, UserName,
};

use super::{Form, required};
use crate::{malformed::Malformed, proto};

macro_rules! name {
    ($($name:ident),+) => {$(
        impl Form for $name {
            type Proto = String;

            fn form(&self) -> String {
                self.as_str().to_owned()
            }

            fn read(form: String) -> Result<Self, Malformed> {
                Ok(Self::new(&form)?)
            }
        }
    )+};
}

name!(UserName, GroupName, DeviceName);

impl Form for Secret {
    type Proto = String;

    fn form(&self) -> String {
        self.expose().to_owned()
    }

    fn read(form: String) -> Result<Self, Malformed> {
        Ok(Self::new(form))
    }
}

impl Form for Address {
    type Proto = proto::Address;

    fn form(&self) -> proto::Address {
        use proto::address::Address as It;
        proto::Address {
            address: Some(match self {
                Self::User(name) => It::User(name.form()),
                Self::Group(name) => It::Group(name.form()),
            }),
        }
    }

    fn read(form: proto::Address) -> Result<Self, Malformed> {
        use proto::address::Address as It;
        Ok(match form.address.ok_or(Malformed::Missing("address"))? {
            It::User(name) => Self::User(UserName::read(name)?),
            It::Group(name) => Self::Group(GroupName::read(name)?),
        })
    }
}

impl Form for Actor {
    type Proto = proto::Actor;

    fn form(&self) -> proto::Actor {
        let Self { user, device, epoch } = self;
        proto::Actor { user: user.0, device: device.0, epoch: epoch.0 }
    }

    fn read(form: proto::Actor) -> Result<Self, Malformed> {
        let proto::Actor { user, device, epoch } = form;
        Ok(Self { user: UserId(user), device: DeviceId(device), epoch: Epoch(epoch) })
    }
}

impl Form for Caller {
    type Proto = proto::Caller;

    fn form(&self) -> proto::Caller {
        use proto::caller::Caller as It;
        proto::Caller {
            caller: Some(match self {
                Self::Nobody => It::Nobody(proto::Unit {}),
                Self::Link(actor) => It::Link(actor.form()),
                Self::Bearer(token) => It::Bearer(token.form()),
            }),
        }
    }

    fn read(form: proto::Caller) -> Result<Self, Malformed> {
        use proto::caller::Caller as It;
        Ok(match form.caller.ok_or(Malformed::Missing("caller"))? {
            It::Nobody(proto::Unit {}) => Self::Nobody,
            It::Link(actor) => Self::Link(Actor::read(actor)?),
            It::Bearer(token) => Self::Bearer(Secret::read(token)?),
        })
    }
}

impl Form for Credential {
    type Proto = proto::Credential;

    fn form(&self) -> proto::Credential {
        use proto::credential::Credential as It;
        proto::Credential {
            credential: Some(match self {
                Self::Token(token) => It::Token(token.form()),
                Self::Ticket(ticket) => It::Ticket(ticket.form()),
                Self::Password { user, password, device } => It::Password(proto::SignIn {
                    user: user.form(),
                    password: password.form(),
                    device: device.form(),
                }),
            }),
        }
    }

    fn read(form: proto::Credential) -> Result<Self, Malformed> {
        use proto::credential::Credential as It;
        Ok(match form.credential.ok_or(Malformed::Missing("credential"))? {
            It::Token(token) => Self::Token(Secret::read(token)?),
            It::Ticket(ticket) => Self::Ticket(Secret::read(ticket)?),
            It::Password(it) => {
                let SignIn { user, password, device } = SignIn::read(it)?;
                Self::Password { user, password, device }
            }
        })
    }
}

impl Form for SignIn {
    type Proto = proto::SignIn;

    fn form(&self) -> proto::SignIn {
        let Self { user, password, device } = self;
        proto::SignIn { user: user.form(), password: password.form(), device: device.form() }
    }

    fn read(form: proto::SignIn) -> Result<Self, Malformed> {
        let proto::SignIn { user, password, device } = form;
        Ok(Self {
            user: UserName::read(user)?,
            password: Secret::read(password)?,
            device: DeviceName::read(device)?,
        })
    }
}

impl Form for Role {
    type Proto = i32;

    fn form(&self) -> i32 {
        match self {
            Self::User => proto::Role::User,
            Self::Admin => proto::Role::Admin,
        }
        .into()
    }

    fn read(form: i32) -> Result<Self, Malformed> {
        match proto::Role::try_from(form) {
            Ok(proto::Role::User) => Ok(Self::User),
            Ok(proto::Role::Admin) => Ok(Self::Admin),
            Ok(proto::Role::Unspecified) | Err(_) => Err(Malformed::Missing("role")),
        }
    }
}

impl Form for Profile {
    type Proto = proto::Profile;

    fn form(&self) -> proto::Profile {
        let Self { name, display_name, role, disabled, details } = self;
        proto::Profile {
            name: name.form(),
            display_name: display_name.to_string(),
            role: role.form(),
            disabled: *disabled,
            details: Some(details.form()),
        }
    }

    fn read(form: proto::Profile) -> Result<Self, Malformed> {
        let proto::Profile { name, display_name, role, disabled, details } = form;
        Ok(Self {
            name: UserName::read(name)?,
            display_name: display_name.into(),
            role: Role::read(role)?,
            disabled,
            // An older peer knows of none.
            details: details.map(Details::read).transpose()?.unwrap_or_default(),
        })
    }
}

impl Form for Tokens {
    type Proto = proto::Tokens;

    fn form(&self) -> proto::Tokens {
        let Self { user, device, access, refresh, expires_in } = self;
        proto::Tokens {
            user: user.form(),
            device: device.form(),
            access: access.form(),
            refresh: refresh.form(),
            expires_in: *expires_in,
        }
    }

    fn read(form: proto::Tokens) -> Result<Self, Malformed> {
        let proto::Tokens { user, device, access, refresh, expires_in } = form;
        Ok(Self {
            user: UserName::read(user)?,
            device: DeviceName::read(device)?,
            access: Secret::read(access)?,
            refresh: Secret::read(refresh)?,
            expires_in,
        })
    }
}

impl Form for DeviceRecord {
    type Proto = proto::DeviceRecord;

    fn form(&self) -> proto::DeviceRecord {
        let Self { name, created, seen, online } = self;
        proto::DeviceRecord { name: name.form(), created: created.0, seen: seen.0, online: *online }
    }

    fn read(form: proto::DeviceRecord) -> Result<Self, Malformed> {
        let proto::DeviceRecord { name, created, seen, online } = form;
        Ok(Self {
            name: DeviceName::read(name)?,
            created: Millis(created),
            seen: Millis(seen),
            online,
        })
    }
}

/// The conversation that nearly everything names.
pub(super) fn address(form: Option<proto::Address>) -> Result<Address, Malformed> {
    required(form, "address")
}

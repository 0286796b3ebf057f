//! Who calls, and how often they may.

use anser_domain::{Actor, AdminAct, Caller, Refusal, ReplyTo, Role, UserName};
use anser_store::DeviceSession;

use super::Services;
use crate::{admin::Who, credentials, people::Asker, rule, token::Purpose};

/// Who a caller turned out to be.
pub(super) struct Known {
    pub(super) actor: Actor,
    pub(super) name: UserName,
    pub(super) role: Role,
}

impl Known {
    pub(super) fn asker(&self, from: ReplyTo) -> Asker<'_> {
        Asker { from, user: self.actor.user, name: &self.name, role: self.role }
    }
}

impl Services {
    /// Who administers. What has begun is not ended by the end of the token it began with, nor
    /// paced: only by the end of its session.
    pub(super) async fn who(&self, caller: &Caller, act: &AdminAct) -> Result<Who, Refusal> {
        let session = match caller {
            Caller::Bearer(token) if credentials::is_api_key(token) => {
                return Ok(Who::Key(self.credentials.api_key(token).await?));
            }
            Caller::Bearer(token) if rule::goes_on(act) => {
                self.credentials.check_begun(token).await?
            }
            caller => self.session(caller).await?,
        };
        match session.role {
            Role::Admin => Ok(Who::Admin(session.user_name)),
            Role::User => Err(Refusal::Forbidden),
        }
    }

    pub(super) async fn actor(&self, caller: &Caller) -> Result<Actor, Refusal> {
        match caller {
            Caller::Link(actor) => {
                self.paces.call(actor.user)?;
                Ok(*actor)
            }
            caller => Ok(self.known(caller).await?.actor),
        }
    }

    pub(super) async fn admin(&self, caller: &Caller) -> Result<(), Refusal> {
        match self.known(caller).await?.role {
            Role::Admin => Ok(()),
            Role::User => Err(Refusal::Forbidden),
        }
    }

    pub(super) async fn known(&self, caller: &Caller) -> Result<Known, Refusal> {
        let session = self.session(caller).await?;
        let device = session.device;
        let actor = Actor { user: device.user, device: device.id, epoch: device.epoch };
        Ok(Known { actor, name: session.user_name, role: session.role })
    }

    pub(super) async fn session(&self, caller: &Caller) -> Result<DeviceSession, Refusal> {
        let session = match caller {
            Caller::Nobody => return Err(Refusal::BadCredentials),
            // A key is for administration: elsewhere it is nobody's.
            Caller::Bearer(token) if credentials::is_api_key(token) => {
                self.credentials.api_key(token).await?;
                return Err(Refusal::Forbidden);
            }
            Caller::Bearer(token) => self.credentials.check(Purpose::Access, token).await?,
            Caller::Link(actor) => {
                self.store.device(actor.device).await?.ok_or(Refusal::Revoked)?
            }
        };
        self.paces.call(session.device.user)?;
        Ok(session)
    }
}

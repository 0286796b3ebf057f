//! Groups beside their logs: what they show to whom, who is invited, who asks to come in.

use std::sync::Arc;

use anser_domain::{
    Actor, Clock, Group, GroupCommand, GroupName, GroupReply, JoinPolicy, MemberPage, Refusal,
    Reply, ReplyTo, Subject, UserId, UserName,
};
use anser_store::{Side, Store};

use crate::{config::Config, fanout::Fanout, rule};

/// Answers about groups.
pub(crate) struct Groups {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Arc<Config>,
    pub(crate) fanout: Arc<Fanout>,
}

impl Groups {
    /// What `viewer` may see of a group.
    pub(crate) async fn card(&self, viewer: UserId, name: &GroupName) -> Result<Group, Refusal> {
        Ok(self.store.group(viewer, name, self.clock.wall()).await?)
    }

    /// A page of members, for who may see them.
    pub(crate) async fn members(
        &self,
        viewer: UserId,
        name: &GroupName,
        after: Option<UserName>,
        limit: u16,
    ) -> Result<MemberPage, Refusal> {
        rule::may_see_members(&self.card(viewer, name).await?)?;
        Ok(self.store.members(viewer, name, after.as_ref(), limit).await?)
    }

    /// Whether someone who wants to come in has to wait, and waits now. If not, the log says
    /// whether they may.
    pub(crate) async fn waits(
        &self,
        user: UserId,
        name: &GroupName,
        message: &str,
    ) -> Result<bool, Refusal> {
        rule::acceptable_request(message)?;
        let group = self.card(user, name).await?;
        let asks = group.role.is_none()
            && group.policy.join == JoinPolicy::Approval
            && !self.store.invited(user, name, self.clock.wall()).await?;
        if asks {
            self.store.ask(user, name, message).await?;
        }
        Ok(asks)
    }

    /// Answers a question. Pages hold at most what the store allows.
    pub(crate) async fn ask(
        &self,
        from: ReplyTo,
        actor: Actor,
        command: GroupCommand,
    ) -> Result<Reply, Refusal> {
        let tell = |users| self.fanout.changed(users, Subject::Invitations, Some(from));
        let (me, now, store) = (actor.user, self.clock.wall(), &self.store);
        let reply = match command {
            GroupCommand::Mine { after, limit } => {
                let (groups, more) = store.groups(me, (after, limit)).await?;
                GroupReply::Groups { groups, more }
            }
            GroupCommand::Invite { group, users } => {
                rule::acceptable_names(&users, &self.config)?;
                tell(store.invite(me, &group, &users, rule::may_invite).await?);
                return Ok(Reply::Done);
            }
            GroupCommand::Uninvite { group, user } => {
                let side = Side::Invited;
                let gone = store.dismiss(me, &group, &user, side, rule::may_invite).await?;
                tell(gone.into_iter().collect());
                return Ok(Reply::Done);
            }
            GroupCommand::Invited { group, after, limit } => {
                let (side, page) = (Side::Invited, (after, limit));
                let (users, more) =
                    store.waiting(me, &group, side, page, now, rule::may_invite).await?;
                GroupReply::Waiting { users, more }
            }
            GroupCommand::Invitations { after, limit } => {
                let (invitations, more) = store.invitations(me, (after, limit), now).await?;
                GroupReply::Invitations { invitations, more }
            }
            GroupCommand::Decline { group } => {
                let gone = store.retract(me, &group, Side::Invited).await?;
                tell(gone.into_iter().map(|at| (me, at)).collect());
                return Ok(Reply::Done);
            }
            GroupCommand::Withdraw { group } => {
                let gone = store.retract(me, &group, Side::Asking).await?;
                tell(gone.into_iter().map(|at| (me, at)).collect());
                return Ok(Reply::Done);
            }
            GroupCommand::Requests { group, after, limit } => {
                let (side, page) = (Side::Asking, (after, limit));
                let (users, more) =
                    store.waiting(me, &group, side, page, now, rule::may_decide).await?;
                GroupReply::Waiting { users, more }
            }
            GroupCommand::Refuse { group, user } => {
                let side = Side::Asking;
                let gone = store.dismiss(me, &group, &user, side, rule::may_decide).await?;
                tell(gone.into_iter().collect());
                return Ok(Reply::Done);
            }
            // It may be an entry of the log: taken before.
            GroupCommand::Join { .. } => return Err(Refusal::Forbidden),
        };
        Ok(Reply::Groups(Box::new(reply)))
    }
}

//! Groups and channels.

use anser_domain::{
    GroupKind, GroupName, GroupRole, Millis, PolicyPatch, ProfilePatch, UserName, Waiting,
};
use anser_wire::frame::{self, Answer, Call};

use super::{names, once, text};
use crate::{
    client::Client,
    convert,
    error::Failed,
    model::{Group, Invitation, Stored},
};

impl Client {
    /// Makes a group with the user as its owner.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn create_group(
        &self,
        name: &GroupName,
        title: &str,
        members: &[UserName],
    ) -> Result<Stored, Failed> {
        self.begin(name, title, members, GroupKind::Group).await
    }

    /// Adds members to a group, or changes the standing of those there are.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn put_members(
        &self,
        group: &GroupName,
        users: &[UserName],
        role: GroupRole,
    ) -> Result<Stored, Failed> {
        let call = frame::PutMembersCall {
            client_id: once(),
            group: group.to_string(),
            users: names(users),
            role: convert::role_number(role),
        };
        self.change(Call::PutMembers(call)).await
    }

    /// Takes members out of a group; who names only themselves leaves.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn remove_members(
        &self,
        group: &GroupName,
        users: &[UserName],
    ) -> Result<Stored, Failed> {
        let call = frame::RemoveMembersCall {
            client_id: once(),
            group: group.to_string(),
            users: names(users),
        };
        self.change(Call::RemoveMembers(call)).await
    }

    /// Comes into a group, or subscribes to a channel; `None` when an admin will decide, who is
    /// told `message`.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn join(&self, group: &GroupName, message: &str) -> Result<Option<Stored>, Failed> {
        let call = frame::JoinCall {
            client_id: once(),
            group: group.to_string(),
            message: message.to_owned(),
        };
        match self.call(Call::Join(call)).await? {
            Answer::Sent(stored) => Ok(Some(convert::stored(&stored))),
            Answer::Asked(_) => Ok(None),
            _ => Err(Failed::Odd),
        }
    }

    /// Leaves a group, or unsubscribes from a channel.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn leave(&self, group: &GroupName) -> Result<Stored, Failed> {
        let group = group.to_string();
        self.change(Call::Leave(frame::LeaveCall { client_id: once(), group })).await
    }

    /// What this user may see of a group.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn group(&self, name: &GroupName) -> Result<Group, Failed> {
        match self.call(Call::Group(frame::GroupCall { name: name.to_string() })).await? {
            Answer::Group(group) => convert::group(group).map_err(|_| Failed::Odd),
            _ => Err(Failed::Odd),
        }
    }

    /// A page of a group's members by name, and whether another follows.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn members(
        &self,
        group: &GroupName,
        after: Option<&UserName>,
        limit: u32,
    ) -> Result<(Vec<(UserName, Option<GroupRole>)>, bool), Failed> {
        let call =
            frame::MembersCall { group: group.to_string(), after: super::after(after), limit };
        let Answer::Members(page) = self.call(Call::Members(call)).await? else {
            return Err(Failed::Odd);
        };
        let rows =
            page.members.iter().map(|it| Ok((convert::user(&it.user)?, convert::role(it.role))));
        let rows = rows.collect::<Result<_, convert::Odd>>().map_err(|_| Failed::Odd)?;
        Ok((rows, page.more))
    }

    /// Makes a channel with the user as its owner: only admins write, everyone may subscribe.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn create_channel(&self, name: &GroupName, title: &str) -> Result<Stored, Failed> {
        self.begin(name, title, &[], GroupKind::Channel).await
    }

    async fn begin(
        &self,
        name: &GroupName,
        title: &str,
        members: &[UserName],
        kind: GroupKind,
    ) -> Result<Stored, Failed> {
        let call = frame::CreateGroupCall {
            kind: convert::kind_number(kind),
            client_id: once(),
            name: name.to_string(),
            title: title.to_owned(),
            members: names(members),
        };
        self.change(Call::CreateGroup(call)).await
    }

    /// The groups that the user is in, by name, and whether another page follows.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn groups(
        &self,
        after: Option<&GroupName>,
        limit: u32,
    ) -> Result<(Vec<Group>, bool), Failed> {
        let call = frame::GroupsCall { after: super::after(after), limit };
        let Answer::Groups(page) = self.call(Call::Groups(call)).await? else {
            return Err(Failed::Odd);
        };
        let groups = page.groups.into_iter().map(convert::group).collect::<Result<_, _>>();
        Ok((groups.map_err(|_| Failed::Odd)?, page.more))
    }

    /// Changes what a group says of itself; what is absent stays.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn change_group(
        &self,
        group: &GroupName,
        patch: ProfilePatch,
    ) -> Result<Stored, Failed> {
        let patch = frame::ProfilePatch {
            title: text(patch.title),
            description: text(patch.description),
            avatar: text(patch.avatar),
            announcement: text(patch.announcement),
        };
        let (client_id, group, patch) = (once(), group.to_string(), Some(patch));
        self.change(Call::ChangeProfile(frame::ProfileCall { client_id, group, patch })).await
    }

    /// Changes who may do what in a group; what is absent stays.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn change_policy(
        &self,
        group: &GroupName,
        patch: PolicyPatch,
    ) -> Result<Stored, Failed> {
        let (client_id, group) = (once(), group.to_string());
        let policy = Some(convert::policy_patch(patch));
        self.change(Call::ChangePolicy(frame::PolicyCall { client_id, group, policy })).await
    }

    /// Keeps a member from writing until then; a time past lets them write again.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn mute_member(
        &self,
        group: &GroupName,
        user: &UserName,
        until: Millis,
    ) -> Result<Stored, Failed> {
        let mute = Some(frame::Mute { user: user.to_string(), until: until.0 });
        let (client_id, group) = (once(), group.to_string());
        self.change(Call::Mute(frame::MuteCall { client_id, group, mute })).await
    }

    /// Ends a group, for everybody and for good.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn dissolve(&self, group: &GroupName) -> Result<Stored, Failed> {
        let (client_id, group) = (once(), group.to_string());
        self.change(Call::Dissolve(frame::DissolveCall { client_id, group })).await
    }

    /// Invites users: all or nobody.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn invite(&self, group: &GroupName, users: &[UserName]) -> Result<(), Failed> {
        let call = frame::InviteCall { group: group.to_string(), users: names(users) };
        self.done(Call::Invite(call)).await
    }

    /// Takes an invitation back.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn uninvite(&self, group: &GroupName, user: &UserName) -> Result<(), Failed> {
        let (group, user) = (group.to_string(), user.to_string());
        self.done(Call::Uninvite(frame::DismissCall { group, user })).await
    }

    /// Whom a group has invited, by name, and whether another page follows.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn invited(
        &self,
        group: &GroupName,
        after: Option<&UserName>,
        limit: u32,
    ) -> Result<(Vec<Waiting>, bool), Failed> {
        let (group, after) = (group.to_string(), super::after(after));
        self.waiting(Call::Invited(frame::WaitingCall { group, after, limit })).await
    }

    /// Who asks to come into a group, by name, and whether another page follows.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn join_requests(
        &self,
        group: &GroupName,
        after: Option<&UserName>,
        limit: u32,
    ) -> Result<(Vec<Waiting>, bool), Failed> {
        let (group, after) = (group.to_string(), super::after(after));
        self.waiting(Call::Requests(frame::WaitingCall { group, after, limit })).await
    }

    async fn waiting(&self, call: Call) -> Result<(Vec<Waiting>, bool), Failed> {
        let Answer::Waiting(page) = self.call(call).await? else { return Err(Failed::Odd) };
        let users = page.users.into_iter().map(convert::waiting).collect::<Result<_, _>>();
        Ok((users.map_err(|_| Failed::Odd)?, page.more))
    }

    /// Lets in someone who asks to come in.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn approve(&self, group: &GroupName, user: &UserName) -> Result<Stored, Failed> {
        let (client_id, group, user) = (once(), group.to_string(), user.to_string());
        self.change(Call::Approve(frame::ApproveCall { client_id, group, user })).await
    }

    /// Does not let someone in who asks for it.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn refuse(&self, group: &GroupName, user: &UserName) -> Result<(), Failed> {
        let (group, user) = (group.to_string(), user.to_string());
        self.done(Call::Refuse(frame::DismissCall { group, user })).await
    }

    /// The user's invitations, by group, and whether another page follows.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn invitations(
        &self,
        after: Option<&GroupName>,
        limit: u32,
    ) -> Result<(Vec<Invitation>, bool), Failed> {
        let call = frame::InvitationsCall { after: super::after(after), limit };
        let Answer::Invitations(page) = self.call(Call::Invitations(call)).await? else {
            return Err(Failed::Odd);
        };
        let rows = page.invitations.into_iter().map(convert::invitation).collect::<Result<_, _>>();
        Ok((rows.map_err(|_| Failed::Odd)?, page.more))
    }

    /// Does not take up an invitation.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn decline(&self, group: &GroupName) -> Result<(), Failed> {
        let group = group.to_string();
        self.done(Call::Retract(frame::RetractCall { group, request: false })).await
    }

    /// No longer asks to come in.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn withdraw_join(&self, group: &GroupName) -> Result<(), Failed> {
        let group = group.to_string();
        self.done(Call::Retract(frame::RetractCall { group, request: true })).await
    }
}

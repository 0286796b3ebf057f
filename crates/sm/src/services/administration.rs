//! What administrators and API keys ask for.

use anser_domain::{
    Actor, Address, AdminAct, AdminCommand, AdminReply, Audience, Caller, Command, DeviceId, Epoch,
    Notice, Noticed, Outgoing, Refusal, Reply, ReplyTo,
};

use super::Services;

impl Services {
    /// Answers administrators and API keys; `None` when the answer comes after a commit.
    pub(super) async fn administer(
        &self,
        from: ReplyTo,
        caller: &Caller,
        command: AdminCommand,
    ) -> Result<Option<Reply>, Refusal> {
        let AdminCommand { address, act } = command;
        let who = self.who(caller, &act).await?;
        self.admins.authorize(&who, &act).await?;
        let (user, whom, entry) = match &act {
            AdminAct::SendAs { from, message } => {
                let user = self.store.user(from).await?.ok_or(Refusal::NoSuchUser)?;
                (user.id, from.to_string(), Command::Send(message.clone()))
            }
            // In the owner's name, so that what an owner cannot do, nobody can.
            AdminAct::ChangeGroup(change) => {
                let Address::Group(group) = &change.at else { return Err(Refusal::NotMember) };
                let owner = self.store.owner_of(group).await?;
                (owner, group.to_string(), Command::Change(change.clone()))
            }
            AdminAct::Notice(notice) => {
                let whom = match &notice.to {
                    Audience::Users(users) => format!("{} users", users.len()),
                    Audience::Group(group) => format!("g:{group}"),
                };
                self.admins.record(&who, address, &act, &whom).await?;
                return self.notice(notice).await.map(Some);
            }
            AdminAct::ReadAs { user, at, range } => {
                let viewer = self.store.user(user).await?.ok_or(Refusal::NoSuchUser)?.id;
                // Whoever looks leaves a line before they see anything.
                self.admins.record(&who, address, &act, &format!("{user} {at}")).await?;
                let page = self.store.history(viewer, at, self.bounded(*range)).await?;
                return Ok(Some(Reply::Page(Box::new(page))));
            }
            _ => return self.admins.act(&who, address, act).await.map(Some),
        };
        // No device of theirs: whatever the server does for a user comes from device 0.
        let actor = Actor { user, device: DeviceId(0), epoch: Epoch(0) };
        let append = self.append(from, actor, entry)?;
        self.admins.record(&who, address, &act, &whom).await?;
        self.store.append(vec![append]);
        Ok(None)
    }

    /// Writes to many, each in a direct conversation with the server's own name.
    async fn notice(&self, notice: &Notice) -> Result<Reply, Refusal> {
        let users = self.notices.audience(&notice.to).await?;
        let user = self.notices.sender().await?;
        let actor = Actor { user, device: DeviceId(0), epoch: Epoch(0) };
        let (mut appends, mut answers) = (Vec::new(), Vec::new());
        for user in users {
            let (from, answer) = self.notices.ask();
            let message = Outgoing {
                to: Address::User(user.clone()),
                client_id: notice.client_id,
                content: notice.content.clone(),
                reply_to: None,
                mentions: Vec::new(),
                payload: None,
                mentions_all: false,
                forward: None,
            };
            appends.push(self.append(from, actor, Command::Send(Box::new(message)))?);
            answers.push((user, answer));
        }
        self.store.append(appends);
        let mut noticed = Noticed::default();
        for (user, answer) in answers {
            match answer.await {
                Ok(Reply::Sent(_)) => noticed.sent += 1,
                Ok(Reply::Refused(refusal)) => noticed.refused.push((user, refusal)),
                _ => noticed.refused.push((user, Refusal::Unavailable)),
            }
        }
        Ok(Reply::Admin(Box::new(AdminReply::Noticed(noticed))))
    }
}

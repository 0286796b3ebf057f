//! Takes every command to the service that answers it.

mod administration;
mod callers;
mod telling;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use anser_domain::{
    Act, Actor, Address, Caller, Change, Command, GroupChange, GroupCommand, GroupReply,
    HistoryRange, PeopleCommand, Profile, ProfileEdit, Pull, Refusal, Reply, ReplyTo, Role,
};
use anser_store::{Append, Entry, ListPage, PullFor, Routes, Store, StoreError};

use crate::{
    account::Accounts,
    admin::Admins,
    chores::Chores,
    config::Config,
    credentials::Credentials,
    cursors::Cursors,
    fanout::Fanout,
    files::Files,
    gate::Counts,
    groups::Groups,
    links::{CHANGES_PAGE, Links, linked},
    messages::Messages,
    notices::Notices,
    paces::Paces,
    peers::Peers,
    people::People,
    presence::Presence,
    push::Pusher,
    rule,
    vetting::Vetting,
    webhooks::Hooks,
};

/// Everything an SM is made of.
pub(crate) struct Services {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) routes: Arc<dyn Routes>,
    pub(crate) config: Arc<Config>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) fanout: Arc<Fanout>,
    pub(crate) cursors: Arc<Cursors>,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) links: Arc<Links>,
    pub(crate) paces: Arc<Paces>,
    /// Nearly always none: then a send costs one look here.
    pub(crate) vetting: Option<Arc<Vetting>>,
    pub(crate) presence: Arc<Presence>,
    pub(crate) people: People,
    pub(crate) accounts: Accounts,
    pub(crate) files: Files,
    pub(crate) pusher: Pusher,
    pub(crate) groups: Groups,
    pub(crate) admins: Arc<Admins>,
    pub(crate) hooks: Arc<Hooks>,
    pub(crate) messages: Messages,
    pub(crate) notices: Notices,
    pub(crate) chores: Chores,
    pub(crate) counts: Arc<Counts>,
    /// Numbers appends in the order in which they were submitted.
    pub(crate) order: AtomicU64,
    pub(crate) draining: AtomicBool,
}

impl Services {
    /// The append that a command is, if it may be one.
    pub(crate) fn append(
        &self,
        from: ReplyTo,
        actor: Actor,
        command: Command,
    ) -> Result<Append, Refusal> {
        if self.draining.load(Ordering::Acquire) {
            return Err(Refusal::Draining);
        }
        let entry = match command {
            Command::Send(message) => {
                rule::acceptable(&message, &self.config)?;
                Entry::Message(message)
            }
            Command::CreateGroup(group) => {
                rule::acceptable_group(&group, &self.config)?;
                Entry::NewGroup(group)
            }
            Command::Change(change) => {
                rule::acceptable_change(&change.act, &self.config)?;
                Entry::Change(change)
            }
            _ => return Err(Refusal::Invalid("not a log entry")),
        };
        let order = self.order.fetch_add(1, Ordering::Relaxed);
        Ok(Append { from, actor, order, entry, ruling: None })
    }

    /// The append, unless it has to wait for what is decided about it.
    pub(crate) fn vetted(&self, append: Append) -> Option<Append> {
        match &self.vetting {
            None => Some(append),
            Some(vetting) => vetting.take(append),
        }
    }

    /// Lets the caller in, with the answer to come from the gate, or has them wait.
    async fn join(
        &self,
        from: ReplyTo,
        actor: Actor,
        command: GroupCommand,
    ) -> Result<Option<Reply>, Refusal> {
        let GroupCommand::Join { group, client_id, message } = command else {
            return Err(Refusal::Forbidden);
        };
        if self.groups.waits(actor.user, &group, &message).await? {
            return Ok(Some(Reply::Groups(Box::new(GroupReply::Asked))));
        }
        let (at, act) = (Address::Group(group), Act::Group(GroupChange::Join));
        let change = Command::Change(Box::new(Change { client_id, at, act }));
        self.store.append(vec![self.append(from, actor, change)?]);
        Ok(None)
    }

    pub(crate) async fn pull(&self, pulls: Vec<(ReplyTo, Actor, Pull)>) {
        // Answered a few at a time: a page may be large.
        for pulls in pulls.chunks(PULLS) {
            let batch = pulls.iter().map(|(_, actor, pull)| {
                let mut pull = *pull;
                if pull.after.is_none() {
                    // What the device has acknowledged and is not written yet counts too.
                    pull.after = self.cursors.pending(actor.device, pull.conv);
                }
                pull.limit = pull.limit.clamp(1, self.config.page_limit);
                PullFor { actor: *actor, pull }
            });
            let pages = self.store.pull(batch.collect()).await;
            let replies = pulls.iter().zip(pages).map(|((from, ..), page)| {
                let reply = page.map_or_else(refused, |page| Reply::Page(Box::new(page)));
                (*from, reply)
            });
            self.peers.replies(replies.collect());
        }
    }

    /// Answers a command that may wait for something.
    pub(crate) async fn answer(&self, from: ReplyTo, caller: Caller, command: Command) {
        // These have no reply.
        match command {
            Command::Unlink => return self.unlinked(from, &caller).await,
            Command::Typing { at, active } => return self.typing(from, &caller, &at, active).await,
            Command::Delivered { conv, seq } => {
                if let Ok(actor) = linked(&caller) {
                    self.cursors.note(actor, conv, seq);
                }
                return;
            }
            // Its answer comes from the gate, after the commit.
            Command::Send(_) | Command::Change(_) | Command::CreateGroup(_) => {
                let append = match self.actor(&caller).await {
                    Ok(actor) => self.append(from, actor, command),
                    Err(refusal) => Err(refusal),
                };
                match append {
                    Ok(append) => self.store.append(self.vetted(append).into_iter().collect()),
                    Err(refusal) => self.peers.reply(from, Reply::Refused(refusal)),
                }
                return;
            }
            // So does this one's, where it lets the caller in at once.
            Command::Groups(command) if matches!(*command, GroupCommand::Join { .. }) => {
                let joined = match self.actor(&caller).await {
                    Ok(actor) => self.join(from, actor, *command).await,
                    Err(refusal) => Err(refusal),
                };
                match joined {
                    Ok(None) => {}
                    Ok(Some(reply)) => self.peers.reply(from, reply),
                    Err(refusal) => self.peers.reply(from, Reply::Refused(refusal)),
                }
                return;
            }
            Command::Login(login) => {
                match self.links.login(from, &caller, *login).await {
                    Ok(it) => {
                        let (user, name) = (it.welcome.actor.user, it.welcome.user.clone());
                        if it.first {
                            self.hooks.note(&name, true);
                        }
                        self.peers.reply(from, Reply::Welcome(Box::new(it.welcome)));
                        // After the welcome, which tells the link who it is.
                        self.presence.came(user, name, it.link, it.first).await;
                    }
                    Err(refusal) => self.peers.reply(from, Reply::Refused(refusal)),
                }
                return;
            }
            Command::Admin(it) => {
                match self.administer(from, &caller, *it).await {
                    Ok(Some(reply)) => self.peers.reply(from, reply),
                    // Its answer comes from the gate.
                    Ok(None) => {}
                    Err(refusal) => self.peers.reply(from, Reply::Refused(refusal)),
                }
                return;
            }
            _ => {}
        }
        let reply = self.ask(from, caller, command).await;
        self.peers.reply(from, reply.unwrap_or_else(Reply::Refused));
    }

    /// Answers a command that asks for something to be looked up or changed.
    async fn ask(&self, from: ReplyTo, caller: Caller, command: Command) -> Result<Reply, Refusal> {
        let limit = |limit: u16| limit.clamp(1, self.config.page_limit);
        match command {
            // — links —
            Command::Relink => self.links.relink(from, linked(&caller)?).await,
            Command::Changes { since } => {
                let actor = linked(&caller)?;
                // The rows say where the device stands.
                self.cursors.flush_device(actor.device).await;
                let page = ListPage::Since(since);
                let changes = self.store.conversations(actor, page, CHANGES_PAGE).await?;
                Ok(Reply::Changes(Box::new(changes)))
            }

            // — the log —
            Command::History { at, range } => {
                let actor = self.actor(&caller).await?;
                let page = self.store.history(actor.user, &at, self.bounded(range)).await?;
                Ok(Reply::Page(Box::new(page)))
            }
            Command::Conversations { before, limit: l } => {
                let actor = self.actor(&caller).await?;
                let page = ListPage::Before(before);
                let list = self.store.conversations(actor, page, limit(l)).await?;
                Ok(Reply::Conversations(Box::new(list)))
            }
            Command::Read { at, seq } => {
                let known = self.known(&caller).await?;
                self.read(from, &known, at, seq).await
            }

            Command::Messages(command) => {
                let actor = self.actor(&caller).await?;
                self.messages.answer(from, actor.user, command).await
            }

            // — groups —
            Command::Group(name) => {
                let actor = self.actor(&caller).await?;
                let group = self.groups.card(actor.user, &name).await?;
                Ok(Reply::Group(Box::new(group)))
            }
            Command::Members { group, after, limit: l } => {
                let actor = self.actor(&caller).await?;
                let page = self.groups.members(actor.user, &group, after, limit(l)).await?;
                Ok(Reply::Members(Box::new(page)))
            }
            Command::Groups(command) => {
                let actor = self.actor(&caller).await?;
                self.groups.ask(from, actor, *command).await
            }

            // — files —
            Command::Files(command) => match &caller {
                Caller::Nobody => self.files.keep_house(command).await,
                caller => self.files.answer(self.actor(caller).await?, command).await,
            },

            // — accounts —
            Command::SignIn(sign_in) => self.accounts.sign_in(*sign_in).await,
            Command::Refresh(token) => self.accounts.refresh(token).await,
            Command::CreateUser(new) => {
                let admin = match &caller {
                    Caller::Nobody => false,
                    caller => self.known(caller).await?.role == Role::Admin,
                };
                if !admin && new.name == self.config.notice_sender {
                    return Err(Refusal::NameTaken);
                }
                let allowed = admin || (self.config.registration_open && new.role == Role::User);
                if !allowed {
                    return Err(Refusal::Forbidden);
                }
                if !admin && let Some(vetting) = &self.vetting {
                    vetting.allows_name(&new.display_name)?;
                }
                self.accounts.create_user(*new).await
            }
            Command::SignOut => {
                let session = self.session(&caller).await?;
                self.accounts.end_device(session.device.user, &session.device.name).await
            }
            Command::ChangePassword { old, new } => {
                let known = self.known(&caller).await?;
                self.accounts.change_password(known.actor, &known.name, old, new).await
            }
            Command::Me => {
                let known = self.known(&caller).await?;
                let me = self.people.profile(&known.asker(from), &known.name).await?;
                Ok(with_role(me, known.role))
            }
            Command::SetDisplayName(name) => {
                let known = self.known(&caller).await?;
                self.vetting.as_ref().map_or(Ok(()), |it| it.allows_name(&name))?;
                let edit = ProfileEdit { display_name: Some(name), ..ProfileEdit::default() };
                let edit = PeopleCommand::EditProfile(edit);
                self.people.answer(known.asker(from), edit).await
            }
            Command::User(name) => {
                let known = self.known(&caller).await?;
                self.people.profile(&known.asker(from), &name).await
            }
            Command::People(command) => {
                let known = self.known(&caller).await?;
                self.vetting.as_ref().map_or(Ok(()), |it| it.allows_people(&command))?;
                self.people.answer(known.asker(from), *command).await
            }
            Command::Devices => {
                let actor = self.actor(&caller).await?;
                self.accounts.devices(actor.user).await
            }
            Command::RemoveDevice(name) => {
                let actor = self.actor(&caller).await?;
                self.accounts.end_device(actor.user, &name).await
            }

            Command::Push(command) => {
                let actor = self.actor(&caller).await?;
                self.pusher.command(actor.user, *command).await
            }

            // — administration —
            Command::Users { after, limit } => {
                self.admin(&caller).await?;
                self.accounts.users(after.as_ref(), limit).await
            }
            Command::SetPassword { user, password } => {
                self.admin(&caller).await?;
                self.accounts.set_password(&user, password).await
            }
            Command::SetDisabled { user, disabled } => {
                self.admin(&caller).await?;
                self.accounts.set_disabled(&user, disabled).await
            }

            // Taken before, or not from this caller.
            Command::Pull(_)
            | Command::Login(_)
            | Command::Unlink
            | Command::Delivered { .. }
            | Command::Send(_)
            | Command::Change(_)
            | Command::Typing { .. }
            | Command::CreateGroup(_)
            | Command::Admin(_) => Err(Refusal::Forbidden),
        }
    }

    fn bounded(&self, range: HistoryRange) -> HistoryRange {
        let most = |limit: u16| limit.clamp(1, self.config.page_limit);
        match range {
            HistoryRange::Latest { limit } => HistoryRange::Latest { limit: most(limit) },
            HistoryRange::Before { seq, limit } => HistoryRange::Before { seq, limit: most(limit) },
            HistoryRange::After { seq, limit } => HistoryRange::After { seq, limit: most(limit) },
        }
    }

    async fn unlinked(&self, from: ReplyTo, caller: &Caller) {
        let Ok(actor) = linked(caller) else { return };
        if !self.links.unlink(from, actor).await {
            return;
        }
        if let Err(error) = self.store.left(actor.device, self.credentials.clock.wall()).await {
            tracing::debug!(%error, "when a device left could not be noted");
        }
        if let Ok(Some(session)) = self.store.device(actor.device).await {
            self.hooks.note(&session.user_name, false);
            self.presence.went(actor.user, session.user_name).await;
        }
    }
}

/// So many pages are read and answered together.
const PULLS: usize = 16;

fn refused(error: StoreError) -> Reply {
    if let StoreError::Failed(text) = &error {
        tracing::error!(error = text, "the store failed");
    }
    Reply::Refused(error.into())
}

/// The caller's own profile tells their own standing.
fn with_role(reply: Reply, role: Role) -> Reply {
    match reply {
        Reply::User(profile) => Reply::User(Box::new(Profile { role, ..*profile })),
        reply => reply,
    }
}

//! Administration: what administrators and API keys may see and change. Every change leaves its
//! line in the record, in the transaction that makes it.

use std::{net::IpAddr, sync::Arc};

use anser_domain::{
    AdminAct, AdminReply, ApiKey, Clock, DeviceRecord, MessageId, Millis, NewUser, PutWebhook,
    Refusal, Reply, Role, Scope, Secret, Subject, UserId, UserName, WebhookEvent, WebhookTarget,
};
use anser_store::{AdminChange, NewUserRow, Note, Revocation, Routes, Store, UserChange, UserRow};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    account::display_name,
    config::Config,
    credentials::{self, Credentials},
    fanout::Fanout,
    links::Links,
    moving::Movers,
    presence::Presence,
    rule,
    webhooks::Hooks,
};

/// Longest name of a key or a webhook, reason of a ban, and address, in bytes.
const MAX_NAME: usize = 64;
const MAX_REASON: usize = 500;
const MAX_URL: usize = 2_000;
/// Kinds that one webhook names.
const MAX_KINDS: usize = 50;
/// Secrets that one webhook signs with: one, and the next while they are exchanged.
const MAX_SECRETS: usize = 2;

/// Who asks.
pub(crate) enum Who {
    /// An administrator.
    Admin(UserName),
    /// An app's own backend.
    Key(ApiKey),
}

impl Who {
    fn may(&self, scope: Scope) -> bool {
        match self {
            Self::Admin(_) => true,
            Self::Key(key) => key.scopes.contains(&scope),
        }
    }

    /// As the record has it.
    fn label(&self) -> Box<str> {
        match self {
            Self::Admin(name) => format!("user:{name}").into(),
            Self::Key(key) => format!("key:{}", key.id).into(),
        }
    }

    fn is_key(&self) -> bool {
        matches!(self, Self::Key(_))
    }
}

/// Answers administrators and keys.
pub(crate) struct Admins {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) routes: Arc<dyn Routes>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Arc<Config>,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) links: Arc<Links>,
    pub(crate) hooks: Arc<Hooks>,
    pub(crate) movers: Movers,
    pub(crate) presence: Arc<Presence>,
    pub(crate) fanout: Arc<Fanout>,
}

impl Admins {
    /// Whether `who` may do this. Administrators may everything; keys what their scopes say, and
    /// nothing to administrators, lest a key become one.
    pub(crate) async fn authorize(&self, who: &Who, act: &AdminAct) -> Result<(), Refusal> {
        if !who.may(rule::needed(act).0) {
            return Err(Refusal::Forbidden);
        }
        if !who.is_key() {
            return Ok(());
        }
        match act {
            AdminAct::CreateUser(new) if new.role == Role::Admin => Err(Refusal::Forbidden),
            AdminAct::SetRole { .. } => Err(Refusal::Forbidden),
            AdminAct::MakeKey { scopes, .. } if !scopes.iter().all(|it| who.may(*it)) => {
                Err(Refusal::Forbidden)
            }
            AdminAct::SetPassword { user, .. }
            | AdminAct::SetDisplayName { user, .. }
            | AdminAct::Ban { user, .. }
            | AdminAct::Unban(user)
            | AdminAct::SendAs { from: user, .. }
            | AdminAct::ReadAs { user, .. }
            | AdminAct::Anonymise { user, .. }
            | AdminAct::EndSessions { user, .. }
                if self.existing(user).await?.role == Role::Admin =>
            {
                Err(Refusal::Forbidden)
            }
            _ => Ok(()),
        }
    }

    fn note(&self, who: &Who, address: Option<IpAddr>, act: &AdminAct, whom: &str) -> Note {
        let what = rule::needed(act).1.unwrap_or("read");
        Note { who: who.label(), what, whom: whom.into(), address }
    }

    /// Records what is about to become an entry of a log, which is a transaction of its own.
    pub(crate) async fn record(
        &self,
        who: &Who,
        address: Option<IpAddr>,
        act: &AdminAct,
        whom: &str,
    ) -> Result<(), Refusal> {
        let note = self.note(who, address, act, whom);
        self.store.administer(note, AdminChange::Record).await?;
        Ok(())
    }

    /// Does or answers what is no log entry.
    pub(crate) async fn act(
        &self,
        who: &Who,
        address: Option<IpAddr>,
        act: AdminAct,
    ) -> Result<Reply, Refusal> {
        let what = rule::needed(&act).1.unwrap_or("read");
        let note = |whom: &str| Note { who: who.label(), what, whom: whom.into(), address };
        let change = |whom: &str, change| self.store.administer(note(whom), change);
        match act {
            AdminAct::CreateUser(new) => {
                let NewUser { name, password, display_name: display, role } = *new;
                display_name(&display)?;
                let keys = self.credentials.keys_for(password).await?;
                let row = NewUserRow { name: name.clone(), display_name: display, role, keys };
                change(name.as_str(), AdminChange::CreateUser(row)).await?;
                self.user(&name).await
            }
            AdminAct::SetDisplayName { user, name } => {
                display_name(&name)?;
                let id = self.existing(&user).await?.id;
                change(user.as_str(), AdminChange::User(id, UserChange::DisplayName(name))).await?;
                let at = self.store.personal(id).await?;
                self.fanout.changed_for_all(vec![id], Subject::Profile, at, None);
                let friends = self.presence.friends(id).await;
                self.fanout.changed_for_all(friends, Subject::Friends, at, None);
                Ok(Reply::Done)
            }
            AdminAct::SetPassword { user, password } => {
                let id = self.existing(&user).await?.id;
                let keys = self.credentials.keys_for(password).await?;
                let keys = UserChange::Keys { keys, keep: None, checked: None };
                change(user.as_str(), AdminChange::User(id, keys)).await?;
                self.close(id, None, false).await
            }
            AdminAct::SetRole { user, role } => {
                let id = self.existing(&user).await?.id;
                change(user.as_str(), AdminChange::Role(id, role)).await?;
                Ok(Reply::Done)
            }
            AdminAct::Ban { user, reason, until } => {
                short(&reason, MAX_REASON, "a reason has at most 500 bytes")?;
                if until.is_some_and(|until| until <= self.clock.wall()) {
                    return Err(Refusal::Invalid("until is a time to come"));
                }
                let id = self.existing(&user).await?.id;
                change(user.as_str(), AdminChange::Ban(id, reason, until)).await?;
                self.close(id, None, true).await
            }
            AdminAct::Unban(user) => {
                let id = self.existing(&user).await?.id;
                change(user.as_str(), AdminChange::Unban(id)).await?;
                Ok(Reply::Done)
            }
            AdminAct::Anonymise { user, scrub } => {
                let id = self.existing(&user).await?.id;
                let friends = self.presence.friends(id).await;
                change(user.as_str(), AdminChange::Anonymise(id, scrub)).await?;
                self.close(id, None, true).await?;
                self.presence.gone(friends.clone(), user);
                for friend in friends {
                    let at = self.store.personal(friend).await?;
                    self.fanout.changed(vec![(friend, at)], Subject::Friends, None);
                }
                Ok(Reply::Done)
            }
            AdminAct::EndSessions { user, device } => {
                let id = self.existing(&user).await?.id;
                let (whom, ended) = match device {
                    Some(device) => {
                        (format!("{user}/{device}"), AdminChange::EndDevice(id, device))
                    }
                    None => (user.to_string(), AdminChange::EndSessions(id)),
                };
                let one = matches!(ended, AdminChange::EndDevice(..));
                let device = change(&whom, ended).await?;
                self.close(id, one.then_some(anser_domain::DeviceId(device)), false).await
            }
            AdminAct::PutWebhook(put) => {
                let name = put.name.clone();
                let (put, secret) = self.acceptable(*put).await?;
                change(&name, AdminChange::PutWebhook(put)).await?;
                self.hooks.listen();
                let all = self.store.webhooks().await?;
                let it = all.into_iter().find(|it| it.name == name);
                let it = it.ok_or(Refusal::NoSuch("webhook"))?;
                Ok(admin(AdminReply::Webhook(it, secret)))
            }
            AdminAct::RemoveWebhook(name) => {
                change(&name, AdminChange::RemoveWebhook(name.clone())).await?;
                Ok(Reply::Done)
            }
            AdminAct::ReplaySince { name, since } => {
                change(&name, AdminChange::ReplaySince(name.clone(), since)).await?;
                Ok(Reply::Done)
            }
            AdminAct::ReplayDead { name, event } => {
                self.replay(note(&format!("{name}/{event}")), &name, event).await
            }
            AdminAct::MakeKey { name, scopes, expires } => {
                short(&name, MAX_NAME, "a name has at most 64 bytes")?;
                if scopes.is_empty() {
                    return Err(Refusal::Invalid("name at least one scope"));
                }
                let now = self.clock.wall();
                if expires.is_some_and(|expires| expires <= now) {
                    return Err(Refusal::Invalid("expires is a time to come"));
                }
                let (secret, hash) = credentials::new_api_key();
                let made = AdminChange::MakeKey {
                    hash,
                    name: name.clone(),
                    scopes: scopes.clone(),
                    expires,
                };
                let id = change(&name, made).await?;
                let key = ApiKey { id, name, scopes, created: now, expires };
                Ok(admin(AdminReply::NewKey(key, secret)))
            }
            AdminAct::RevokeKey(id) => {
                change(&id.to_string(), AdminChange::RevokeKey(id)).await?;
                Ok(Reply::Done)
            }
            AdminAct::Export { after, limit } => {
                if after.is_empty() {
                    change("everything", AdminChange::Record).await?;
                }
                let (lines, next) = self.movers.export(&after, limit).await?;
                Ok(admin(AdminReply::Exported { lines, next }))
            }
            AdminAct::Import(lines) => {
                if lines.is_empty() {
                    change("lines", AdminChange::Record).await?;
                }
                let landed = self.movers.import(lines, !who.is_key()).await?;
                Ok(admin(AdminReply::Imported(landed)))
            }
            read => self.read(read).await,
        }
    }

    /// Answers what changes nothing.
    async fn read(&self, act: AdminAct) -> Result<Reply, Refusal> {
        let limit = |limit: u16| limit.clamp(1, self.config.page_limit);
        Ok(match act {
            AdminAct::Users { prefix, after, limit: l } => {
                let most = limit(l);
                let found = self.store.find_users(&prefix, after.as_ref(), most + 1).await?;
                let (users, more) = page(found, most);
                admin(AdminReply::Users { users, more })
            }
            AdminAct::User(name) => self.user(&name).await?,
            AdminAct::Devices(name) => {
                let id = self.existing(&name).await?.id;
                let online = self.links.online(id).await;
                let devices = self.store.devices(id).await?;
                let signed_in = devices.into_iter().filter(|device| device.session != 0);
                let record = |it: anser_store::Device| DeviceRecord {
                    online: online.contains(&it.id),
                    name: it.name,
                    created: it.created,
                    seen: it.seen,
                };
                Reply::Devices(signed_in.map(record).collect())
            }
            AdminAct::Groups { after, limit: l } => {
                let most = limit(l);
                let found = self.store.all_groups(after.as_ref(), most + 1).await?;
                let (groups, more) = page(found, most);
                admin(AdminReply::Groups { groups, more })
            }
            AdminAct::Members { group, after, limit: l } => {
                let owner = self.store.owner_of(&group).await?;
                let page = self.store.members(owner, &group, after.as_ref(), limit(l)).await?;
                Reply::Members(Box::new(page))
            }
            AdminAct::Statistics => {
                let mut numbers = self.store.statistics(self.clock.wall()).await?;
                numbers.online = self.routes.online();
                admin(AdminReply::Statistics(numbers))
            }
            AdminAct::Webhooks => admin(AdminReply::Webhooks(self.store.webhooks().await?)),
            AdminAct::DeadLetters { name, after, limit: l } => {
                let most = limit(l);
                let found = self.store.dead(&name, after, most + 1).await?;
                let (rows, more) = page(found, most);
                let letters = rows.into_iter().map(|row| row.letter).collect();
                admin(AdminReply::DeadLetters { letters, more })
            }
            AdminAct::Keys => admin(AdminReply::Keys(self.store.api_keys().await?)),
            AdminAct::Audit { before, limit: l } => {
                let most = limit(l);
                let found = self.store.audit(before, most + 1).await?;
                let (entries, more) = page(found, most);
                admin(AdminReply::Audit { entries, more })
            }
            // Taken before.
            _ => return Err(Refusal::Forbidden),
        })
    }

    /// Lets those in again whose ban is over.
    pub(crate) async fn end_bans(&self, now: Millis) -> Result<(), Refusal> {
        for user in self.store.bans_over(now).await? {
            let whom = format!("#{user}").into();
            let note = Note { who: "server".into(), what: "user.unban", whom, address: None };
            self.store.administer(note, AdminChange::Unban(user)).await?;
        }
        Ok(())
    }

    async fn existing(&self, name: &UserName) -> Result<UserRow, Refusal> {
        self.store.user(name).await?.ok_or(Refusal::NoSuchUser)
    }

    async fn user(&self, name: &UserName) -> Result<Reply, Refusal> {
        let found = self.store.find_users(name.as_str(), None, 1).await?;
        let user = found.into_iter().find(|it| it.name == *name).ok_or(Refusal::NoSuchUser)?;
        Ok(admin(AdminReply::User(user)))
    }

    async fn close(
        &self,
        user: UserId,
        device: Option<anser_domain::DeviceId>,
        disabled: bool,
    ) -> Result<Reply, Refusal> {
        let ended = Revocation { number: 0, user, device, keep: None, disabled };
        self.links.evict_and_wait(ended, self.config.revocation_wait).await;
        Ok(Reply::Done)
    }

    /// Tries a dead letter once more.
    async fn replay(&self, note: Note, name: &str, event: MessageId) -> Result<Reply, Refusal> {
        let before = MessageId(event.0.saturating_sub(1));
        let rows = self.store.dead(name, before, 1).await?;
        let row = rows.into_iter().find(|row| row.letter.event == event);
        let row = row.ok_or(Refusal::NoSuch("dead letter"))?;
        let hooks = self.store.webhook_rows().await?;
        let hook = hooks.into_iter().find(|it| *it.name == *name);
        let hook = hook.ok_or(Refusal::NoSuch("webhook"))?;
        self.store.administer(note, AdminChange::Record).await?;
        let to = WebhookTarget { url: hook.url, secrets: hook.secrets };
        let body = String::from(row.body).into();
        let event_to_post = WebhookEvent { id: event.to_string().into(), body };
        let failed = self.hooks.post_once(&to, &event_to_post).await;
        if failed.is_none() {
            self.store.unbury(name, event).await?;
        }
        Ok(admin(AdminReply::Replayed(failed)))
    }

    /// The webhook as it will be kept, and the secret that was made for it, if one was.
    async fn acceptable(
        &self,
        mut put: PutWebhook,
    ) -> Result<(PutWebhook, Option<Secret>), Refusal> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        let step = matches!(&*put.name, "." | "..");
        if put.name.is_empty() || put.name.len() > MAX_NAME || !put.name.bytes().all(plain) || step
        {
            return Err(Refusal::Invalid(
                "a webhook's name has 1 to 64 letters, digits, and - _ . but is not . or ..",
            ));
        }
        short(&put.url, MAX_URL, "a URL has at most 2,000 bytes")?;
        let web = put.url.starts_with("https://") || put.url.starts_with("http://");
        if !web || put.url.contains(char::is_whitespace) {
            return Err(Refusal::Invalid("a webhook's url is https://… or http://…"));
        }
        if let Some(why) = self.hooks.objection(&put.url) {
            return Err(Refusal::Invalid(why));
        }
        if put.kinds.len() > MAX_KINDS || put.kinds.iter().any(|it| it.len() > MAX_NAME) {
            return Err(Refusal::TooLarge("a webhook names at most 50 kinds"));
        }
        if put.kinds.iter().any(|it| it.is_empty() || it.contains(char::is_whitespace)) {
            return Err(Refusal::Invalid("a kind is a name such as message.created"));
        }
        let bad = |it: &Secret| it.expose().len() < 16 || it.expose().contains(char::is_whitespace);
        match &put.secrets {
            Some(all) if all.is_empty() || all.len() > MAX_SECRETS => {
                Err(Refusal::Invalid("a webhook has one secret, or two while they are exchanged"))
            }
            Some(all) if all.iter().any(bad) => {
                Err(Refusal::Invalid("a secret has at least 16 characters and no space"))
            }
            Some(_) => Ok((put, None)),
            None => {
                let known = self.store.webhook_rows().await?;
                if known.iter().any(|it| it.name == put.name) {
                    return Ok((put, None));
                }
                let random = STANDARD.encode(rand::random::<[u8; 24]>());
                let secret = Secret::new(format!("whsec_{random}"));
                put.secrets = Some(vec![secret.clone()]);
                Ok((put, Some(secret)))
            }
        }
    }
}

fn short(text: &str, most: usize, why: &'static str) -> Result<(), Refusal> {
    if text.len() > most || text.chars().any(char::is_control) {
        return Err(Refusal::TooLarge(why));
    }
    Ok(())
}

fn admin(reply: AdminReply) -> Reply {
    Reply::Admin(Box::new(reply))
}

/// One more than `most` was asked for, so that a full last page says that it is the last.
fn page<T>(mut rows: Vec<T>, most: u16) -> (Vec<T>, bool) {
    let more = rows.len() > usize::from(most);
    rows.truncate(usize::from(most));
    (rows, more)
}

//! What is decided about one entry: what it would say, who looks at it, and what comes of that.

use std::{sync::Arc, time::Duration};

use anser_domain::{
    Act, Address, Content, EntryChange, HistoryRange, Kind, Message, Refusal, SendQuestion, Seq,
    Source, UserId, UserName, Verdict,
};
use anser_store::{Append, Entry, Ruling, StoreError, Words};
use tokio::time::timeout;

use super::{BUSY, Vetting, app::Outcome};
use crate::{
    config::Unanswered,
    rule::{self, Terms, WhoMayWrite},
};

/// What the app's own deadline is overrun by before it is not waited for.
const GRACE: Duration = Duration::from_millis(250);
/// When to try again what the app said nothing about.
const LATER: Refusal = Refusal::Busy(Duration::from_secs(2));
/// As the log says it of what is not there, or not for the writer to see.
const NO_MESSAGE: Refusal = Refusal::NoSuch("message");
/// Above every entry: where a log ends is for the gate to know.
const ANYWHERE: Seq = Seq(i64::MAX as u64);

/// The words that a client sent.
pub(super) fn content(entry: &Entry) -> Option<&Content> {
    match entry {
        Entry::Message(out) => Some(&out.content),
        Entry::Change(change) => match &change.act {
            Act::Entry(EntryChange::Edit { content, .. }) => Some(content),
            _ => None,
        },
        Entry::NewGroup(_) => None,
    }
}

impl Vetting {
    /// Whether it takes a while to look at an entry: the app is asked, or it has to be read what
    /// is forwarded.
    pub(super) fn waits(&self, entry: &Entry) -> bool {
        match self.app {
            Some(_) => content(entry).is_some(),
            None => matches!(entry, Entry::Message(out) if out.forward.is_some()),
        }
    }

    /// The append, with what was decided about it.
    pub(super) async fn judge(&self, append: Append) -> Append {
        if !self.waits(&append.entry) {
            return self.judge_at_once(append);
        }
        let decided = self.decide(&append).await;
        ruled(append, decided)
    }

    /// The same for what nobody has to be asked about.
    pub(super) fn judge_at_once(&self, append: Append) -> Append {
        let decided = match content(&append.entry) {
            Some(content) => self.hear(content),
            None => self.allows_entry(&append.entry).map(|()| None),
        };
        ruled(append, decided)
    }

    /// What the entry is to say, where that is not what its client sent.
    async fn decide(&self, append: &Append) -> Result<Option<Content>, Refusal> {
        let mut question = self.question(append).await?;
        let heard = self.hear(&question.content)?;
        if let Some(heard) = &heard {
            question.content.clone_from(heard);
        }
        let said = self.ask(&question).await?;
        // What is forwarded stands as it was looked at, whatever becomes of its source.
        Ok(said.or(heard).or_else(|| question.forwarded.then_some(question.content)))
    }

    /// What the filter would have it say; `None` when that is what was sent.
    fn hear(&self, content: &Content) -> Result<Option<Content>, Refusal> {
        self.words.as_ref().map_or(Ok(None), |words| words.filter().hear(content))
    }

    /// What is to be looked at. Strangers are turned away here already, as far as that can be told
    /// without the log, so that they cause no work; the gate asks again, and its answer counts.
    async fn question(&self, append: &Append) -> Result<SendQuestion, Refusal> {
        let user = append.actor.user;
        let to = append.entry.address();
        let (sender, acl) = match self.store.acl(user, &to).await {
            Ok(acl) => {
                rule::may_write_to(&acl, self.config.who_may_write)?;
                let terms = Terms { clock: &*self.clock, config: &self.config };
                rule::may_append(&acl, ANYWHERE, append, &terms)?;
                let sender = acl.members.get(&user).ok_or(Refusal::NotMember)?;
                (sender.name.clone(), Some(acl))
            }
            Err(StoreError::Refused(Refusal::NotMember)) => {
                (self.newcomer(append, &to).await?, None)
            }
            Err(error) => return Err(error.into()),
        };
        let client_id = append.entry.client_id();
        match &append.entry {
            Entry::Message(out) => {
                let content = match &out.forward {
                    Some(source) => self.forwarded(user, source).await?,
                    None => out.content.clone(),
                };
                Ok(SendQuestion {
                    sender,
                    to,
                    client_id,
                    content,
                    reply_to: out.reply_to,
                    mentions: out.mentions.clone(),
                    edits: None,
                    forwarded: out.forward.is_some(),
                })
            }
            Entry::Change(change) => {
                let Act::Entry(EntryChange::Edit { seq, content, mentions }) = &change.act else {
                    return Err(Refusal::Forbidden);
                };
                let acl = acl.ok_or(Refusal::NotMember)?;
                let target = self.message(user, &to, *seq).await?;
                let target = target.ok_or(NO_MESSAGE)?;
                let now = self.clock.wall();
                rule::may_change_entry(&acl, &target, now, append, &self.config)?;
                Ok(SendQuestion {
                    sender,
                    to,
                    client_id,
                    content: content.clone(),
                    reply_to: None,
                    mentions: mentions.clone(),
                    edits: Some(*seq),
                    forwarded: false,
                })
            }
            Entry::NewGroup(_) => Err(Refusal::Forbidden),
        }
    }

    /// The name of someone whose message would be the first of a direct conversation.
    async fn newcomer(&self, append: &Append, to: &Address) -> Result<UserName, Refusal> {
        let Address::User(peer) = to else { return Err(Refusal::NotMember) };
        let user = append.actor.user;
        let peer = self.store.user(peer).await?.filter(|peer| !peer.disabled);
        let peer = peer.ok_or(Refusal::NoSuchUser)?;
        if peer.id != user {
            let they = self.store.relation(user, peer.id).await?;
            let friends = self.config.who_may_write == WhoMayWrite::Anyone || they.friends;
            if they.blocks || they.blocked || !friends {
                return Err(Refusal::Forbidden);
            }
        }
        let device = self.store.device(append.actor.device).await?;
        Ok(device.ok_or(Refusal::Revoked)?.user_name)
    }

    /// What is to be sent on.
    async fn forwarded(&self, user: UserId, source: &Source) -> Result<Content, Refusal> {
        let message = self.message(user, &source.at, source.seq).await?;
        message
            .map(|message| message.content.clone())
            .filter(|content| !matches!(content.kind(), Kind::Event | Kind::Gone))
            .ok_or(NO_MESSAGE)
    }

    /// An entry as the writer sees it.
    async fn message(
        &self,
        user: UserId,
        at: &Address,
        seq: Seq,
    ) -> Result<Option<Arc<Message>>, Refusal> {
        let Some(before) = seq.0.checked_sub(1) else { return Ok(None) };
        let range = HistoryRange::After { seq: Seq(before), limit: 1 };
        let page = self.store.history(user, at, range).await?;
        Ok(page.messages.into_iter().find(|message| message.seq == seq))
    }

    /// What the app would have it say; `None` when that is what was sent.
    async fn ask(&self, question: &SendQuestion) -> Result<Option<Content>, Refusal> {
        let Some(app) = &self.app else { return Ok(None) };
        let policy = &self.config.before_send;
        // Not being asked for lack of room is no silence of the app's.
        let room = timeout(policy.within, self.room.acquire()).await;
        let _room = room.map_err(|_| BUSY)?.map_err(|_| BUSY)?;
        // After the wait for room, so that those who waited behind a silent app wait no more.
        let begun = self.clock.now();
        if !self.record.may_ask(begun, policy.rest) {
            return self.unanswered();
        }
        let asked = app.ask(question, policy.within);
        let verdict = timeout(policy.within + GRACE, asked).await.ok().flatten();
        let times = (begun, self.clock.now());
        let (outcome, decided) = self.heed(question, verdict);
        self.record.note(outcome, times, (policy.failures, policy.rest));
        decided
    }

    /// What comes of a verdict.
    fn heed(
        &self,
        question: &SendQuestion,
        verdict: Option<Verdict>,
    ) -> (Outcome, Result<Option<Content>, Refusal>) {
        match verdict {
            Some(Verdict::Allow) => (Outcome::Allowed, Ok(None)),
            Some(Verdict::Deny(reason)) => {
                let reason = match reason.is_empty() {
                    true => "the app does not let this message pass".into(),
                    false => reason,
                };
                (Outcome::Denied, Err(Refusal::Denied(reason)))
            }
            Some(Verdict::Rewrite(content)) => match self.fits(question, &content) {
                Ok(()) if content == question.content => (Outcome::Allowed, Ok(None)),
                Ok(()) => (Outcome::Rewritten, Ok(Some(content))),
                Err(refusal) => {
                    tracing::warn!(%refusal, "an app's own words cannot be sent");
                    (Outcome::Unfit, self.unanswered())
                }
            },
            None => (Outcome::None, self.unanswered()),
        }
    }

    /// Whether the app's words can stand in the place of what was sent.
    fn fits(&self, question: &SendQuestion, content: &Content) -> Result<(), Refusal> {
        if question.edits.is_some() && content.kind() != question.content.kind() {
            return Err(Refusal::Invalid("an edit keeps the message's kind"));
        }
        rule::acceptable_words(content, &self.config)
    }

    fn unanswered(&self) -> Result<Option<Content>, Refusal> {
        match self.config.before_send.unanswered {
            Unanswered::Allow => Ok(None),
            Unanswered::Deny => Err(LATER),
        }
    }
}

/// The append, with what was decided.
fn ruled(mut append: Append, decided: Result<Option<Content>, Refusal>) -> Append {
    match decided {
        Ok(None) => {}
        Ok(Some(content)) => reword(&mut append, content),
        Err(refusal) => append.ruling = Some(Box::new(Ruling::Barred(refusal))),
    }
    append
}

/// Puts other words in the place of what was sent, and remembers what that was.
fn reword(append: &mut Append, content: Content) {
    let sent = match &mut append.entry {
        Entry::Message(out) => {
            // Other protocols' bytes are of the message that is not sent.
            let payload = out.payload.take();
            let sent = Words::of(&out.content, payload.as_ref());
            out.content = content;
            sent
        }
        Entry::Change(change) => {
            let Act::Entry(EntryChange::Edit { content: place, .. }) = &mut change.act else {
                return;
            };
            let sent = Words::of(place, None);
            *place = content;
            sent
        }
        Entry::NewGroup(_) => return,
    };
    append.ruling = Some(Box::new(Ruling::Reworded(sent)));
}

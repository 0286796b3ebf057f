//! An SM whose logs live in memory, which answers at once or when told to, and remembers what it
//! was asked.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anser_domain::*;
use parking_lot::Mutex;

pub(crate) const SM: PeerId = PeerId(900);

#[derive(Default)]
pub(crate) struct FakeSm {
    inner: Mutex<Inner>,
    /// Answers wait until [`FakeSm::release`].
    pub(crate) holds: AtomicBool,
}

#[derive(Default)]
struct Inner {
    peer: Option<Peer>,
    asked: Vec<Ask>,
    held: Vec<(LinkId, Tag, Reply)>,
    links: HashMap<LinkId, Actor>,
    logs: BTreeMap<ConvId, Vec<Arc<Message>>>,
    changed: BTreeMap<ConvId, u64>,
    cursors: HashMap<(DeviceId, ConvId), Seq>,
    token: u64,
    stream: u64,
    logins: u64,
}

impl FakeSm {
    pub(crate) fn asked(&self, which: impl Fn(&Command) -> bool) -> usize {
        self.inner.lock().asked.iter().filter(|ask| which(&ask.command)).count()
    }

    pub(crate) fn unlinks(&self) -> usize {
        self.asked(|it| matches!(it, Command::Unlink))
    }

    pub(crate) fn pulls(&self) -> usize {
        self.asked(|it| matches!(it, Command::Pull(_)))
    }

    /// Client ids of sends, in the order in which they came.
    pub(crate) fn sends(&self) -> Vec<String> {
        let inner = self.inner.lock();
        let texts = inner.asked.iter().filter_map(|ask| match &ask.command {
            Command::Send(it) => it.content.body().map(str::to_owned),
            _ => None,
        });
        texts.collect()
    }

    pub(crate) fn links(&self) -> Vec<LinkId> {
        let mut links: Vec<_> = self.inner.lock().links.keys().copied().collect();
        links.sort();
        links
    }

    pub(crate) fn hold(&self) {
        self.holds.store(true, Ordering::SeqCst);
    }

    pub(crate) fn release(&self) {
        self.holds.store(false, Ordering::SeqCst);
        let held = std::mem::take(&mut self.inner.lock().held);
        self.answer(held);
    }

    fn answer(&self, batch: Vec<(LinkId, Tag, Reply)>) {
        let replies = self.inner.lock().peer.clone().unwrap().replies;
        replies.replies(batch);
    }

    fn ports(&self) -> LinksPort {
        self.inner.lock().peer.clone().unwrap().links.unwrap()
    }

    /// Appends an entry by somebody else; nobody is told.
    pub(crate) fn append(&self, conv: u64, text: &str) -> Arc<Message> {
        self.inner.lock().append(ConvId(conv), DeviceId(0), text)
    }

    /// The next step of the stream, not yet delivered.
    pub(crate) fn step(&self) -> StreamPos {
        let mut inner = self.inner.lock();
        inner.stream += 1;
        StreamPos { sm: SM, number: inner.stream }
    }

    pub(crate) fn hint(message: &Arc<Message>, links: Vec<LinkId>) -> Hint {
        Hint { event: Event::Message(delivery(message, links.len())), links }
    }

    /// Appends and tells everyone.
    pub(crate) fn publish(&self, conv: u64, text: &str) {
        let message = self.append(conv, text);
        let hint = Self::hint(&message, self.links());
        self.ports().deliver(self.step(), vec![hint]);
    }

    pub(crate) fn tell(&self, event: Event) {
        let hint = Hint { event, links: self.links() };
        self.ports().deliver(self.step(), vec![hint]);
    }

    pub(crate) fn deliver(&self, at: StreamPos, batch: Vec<Hint>) {
        self.ports().deliver(at, batch);
    }

    pub(crate) fn evict(&self, refusal: Refusal) {
        let links = self.links().into_iter().map(|link| (link, refusal.clone())).collect();
        self.ports().evict(links);
    }

    pub(crate) fn beat(&self, routes_generation: u64) {
        let (number, token) = {
            let inner = self.inner.lock();
            (inner.stream, inner.token)
        };
        let at = StreamPos { sm: SM, number };
        self.ports().beat(Beat { at, watermark: SyncToken(token), routes_generation });
    }

    fn act(&self, ask: &Ask) -> (Option<Reply>, Option<Hint>) {
        let mut inner = self.inner.lock();
        let device = match &ask.caller {
            Caller::Link(actor) => actor.device,
            _ => DeviceId(0),
        };
        let reply = match &ask.command {
            Command::Login(login) => {
                inner.logins += 1;
                let Credential::Password { user, device: name, .. } = &login.credential else {
                    return (Some(Reply::Refused(Refusal::BadCredentials)), None);
                };
                if user.as_str() == "nobody" {
                    return (Some(Reply::Refused(Refusal::BadCredentials)), None);
                }
                let id = name.as_str().bytes().fold(7, |hash, b| hash * 31 + u64::from(b));
                let actor =
                    Actor { user: UserId(id), device: DeviceId(id), epoch: Epoch(inner.logins) };
                inner.links.insert(ask.from.link, actor);
                Reply::Welcome(Box::new(Welcome {
                    actor,
                    user: user.clone(),
                    device: name.clone(),
                    ticket: Secret::new("ticket"),
                    until: Millis(i64::MAX),
                    changes: inner.changes(actor.device, login.since.unwrap_or_default()),
                    personal: SyncToken(0),
                }))
            }
            Command::Unlink => {
                inner.links.remove(&ask.from.link);
                return (None, None);
            }
            Command::Delivered { conv, seq } => {
                let cursor = inner.cursors.entry((device, *conv)).or_default();
                *cursor = (*cursor).max(*seq);
                return (None, None);
            }
            Command::Typing { .. } => return (None, None),
            Command::Changes { since } => Reply::Changes(Box::new(inner.changes(device, *since))),
            Command::Pull(pull) => Reply::Page(Box::new(inner.page(device, pull))),
            Command::Send(outgoing) => {
                let conv = ConvId(outgoing.to.parts().1.parse().unwrap());
                let text = outgoing.content.body().unwrap().to_owned();
                let message = inner.append(conv, device, &text);
                let links: Vec<_> =
                    inner.links.keys().copied().filter(|it| *it != ask.from.link).collect();
                let (seq, id) = (message.seq, message.id);
                let sent =
                    Sent { conv, seq, id, ts: Millis(0), duplicate: false, prev: SyncToken::NEVER };
                return (Some(Reply::Sent(sent)), Some(Self::hint(&message, links)));
            }
            _ => Reply::Done,
        };
        (Some(reply), None)
    }
}

impl SessionManager for FakeSm {
    fn attach(&self, peer: Peer) {
        self.inner.lock().peer = Some(peer);
    }

    fn detach(&self, _: PeerId) {}

    fn submit(&self, batch: Vec<Ask>) {
        let (mut replies, mut hints) = (Vec::new(), Vec::new());
        for ask in batch {
            let (reply, hint) = self.act(&ask);
            replies.extend(reply.map(|reply| (ask.from.link, ask.from.tag, reply)));
            hints.extend(hint);
            self.inner.lock().asked.push(ask);
        }
        if self.holds.load(Ordering::SeqCst) {
            self.inner.lock().held.extend(replies);
        } else if !replies.is_empty() {
            self.answer(replies);
        }
        if !hints.is_empty() {
            self.ports().deliver(self.step(), hints);
        }
    }
}

impl Inner {
    fn append(&mut self, conv: ConvId, device: DeviceId, text: &str) -> Arc<Message> {
        self.token += 1;
        self.changed.insert(conv, self.token);
        let log = self.logs.entry(conv).or_default();
        let seq = Seq(log.len() as u64 + 1);
        let message = Arc::new(Message {
            conv,
            seq,
            ord: Ord64(seq.0),
            id: MessageId(self.token),
            sender: Sender { user: UserId(1), name: UserName::trusted("someone"), device },
            client_id: ClientId::from_text(text),
            ts: Millis(0),
            content: Content::Text(text.into()),
            reply_to: None,
            mentions: Vec::new(),
            payload: None,
            marks: None,
        });
        log.push(message.clone());
        message
    }

    fn cursor(&self, device: DeviceId, conv: ConvId) -> Seq {
        self.cursors.get(&(device, conv)).copied().unwrap_or_default()
    }

    fn changes(&self, device: DeviceId, since: SyncToken) -> Changes {
        let mut changed: Vec<_> = self.changed.iter().filter(|it| *it.1 > since.0).collect();
        changed.sort_by_key(|it| *it.1);
        let more = changed.len() > 2;
        changed.truncate(2);
        let token = if more { *changed[1].1 } else { self.token };
        let rows = changed.into_iter().map(|(conv, changed)| ConversationState {
            conv: *conv,
            at: address(*conv),
            title: "".into(),
            head: Seq(self.logs[conv].len() as u64),
            last: None,
            delivered: self.cursor(device, *conv),
            read: Seq(0),
            peer_delivered: Seq(0),
            peer_read: Seq(0),
            unread: 0,
            mentions: 0,
            keep: Keep::default(),
            member: true,
            changed: SyncToken(*changed),
        });
        Changes { conversations: rows.collect(), token: SyncToken(token), more }
    }

    fn page(&self, device: DeviceId, pull: &Pull) -> Page {
        let log = self.logs.get(&pull.conv).map_or(&[][..], |it| it);
        let after = pull.after.unwrap_or_else(|| self.cursor(device, pull.conv));
        let rest = &log[usize::try_from(after.0).unwrap().min(log.len())..];
        let page = &rest[..rest.len().min(usize::from(pull.limit))];
        Page {
            conv: pull.conv,
            at: address(pull.conv),
            messages: page.to_vec(),
            after,
            head: Seq(log.len() as u64),
            more: page.len() < rest.len(),
        }
    }
}

fn delivery(message: &Arc<Message>, links: usize) -> Arc<Delivery> {
    Arc::new(Delivery {
        at: address(message.conv),
        message: message.clone(),
        prev: SyncToken::NEVER,
        links: u32::try_from(links).unwrap(),
        encoded: Encoded::default(),
    })
}

pub(crate) fn address(conv: ConvId) -> Address {
    Address::Group(GroupName::trusted(&conv.to_string()))
}

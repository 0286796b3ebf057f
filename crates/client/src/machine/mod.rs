//! The client's end of the protocol as a value: frames and the app's wishes go in, bytes and
//! events come out. It outlives links; what must be said again on the next one is kept here.

mod receive;

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use anser_domain::{Address, ConvId, Outgoing, Secret, Seq, SyncToken};
use anser_wire::{
    codec::{self, compress},
    frame::{self, Answer, Call, Frame, Notice},
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    convert::{self, Odd},
    error::{Failed, Refused},
    event::{Event, Stop},
    frontier::Frontier,
    model::Stored,
    sends::Sends,
};

/// The longest body before WELCOME says otherwise.
const LOGIN_FRAME: usize = 1 << 20;
/// Bodies from this length on are compressed, where the server can read it.
const COMPRESS_FROM: usize = 512;

/// What a link is opened with.
#[derive(Clone, Debug)]
pub(crate) enum Opening {
    /// The ticket of the last link.
    Ticket(Secret),
    /// An access token.
    Token(Secret),
}

/// What the app says once, before the first link.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) client: String,
    pub(crate) since: Option<SyncToken>,
    pub(crate) credit: u32,
    pub(crate) heartbeat: Option<Duration>,
    pub(crate) compress: bool,
}

/// Why a link has to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Down {
    /// The server refuses the link.
    Refused(Refused),
    /// The server asks to be left.
    GoAway {
        /// Why, and when to come back.
        refused: Refused,
        /// Whether to come back.
        may_reconnect: bool,
    },
    /// The server does not speak the protocol.
    Odd(String),
}

impl From<Odd> for Down {
    fn from(odd: Odd) -> Self {
        Self::Odd(odd.to_string())
    }
}

type SendReply = oneshot::Sender<Result<Stored, Failed>>;
type CallReply = oneshot::Sender<Result<Answer, Failed>>;

struct Asked {
    call: Call,
    reply: CallReply,
    /// The parts so far of an answer that comes in several frames.
    part: Option<Answer>,
}

/// The id of a gap that waits for its turn.
const WAITING: u32 = 0;

/// A gap that is being read up.
struct Pulling {
    id: u32,
    /// The highest seq that was seen and dropped meanwhile.
    seen: Seq,
}

/// The client's end of the protocol.
pub(crate) struct Machine {
    settings: Settings,
    up: bool,
    /// A HELLO with a fresh token is on its way over a link that is up.
    refreshing: bool,
    ticket: Option<Secret>,
    since: Option<SyncToken>,
    max_frame: usize,
    window: usize,
    heartbeat: Duration,
    compress: bool,
    next_id: u32,
    frontier: Frontier,
    sends: Sends<SendReply>,
    calls: BTreeMap<u32, Asked>,
    pulls: HashMap<ConvId, Pulling>,
    /// DELIVER frames that came since the last CREDIT.
    used: u32,
    wants_token: bool,
    events: mpsc::UnboundedSender<Event>,
}

impl Machine {
    pub(crate) fn new(settings: Settings, events: mpsc::UnboundedSender<Event>) -> Self {
        Self {
            since: settings.since,
            settings,
            up: false,
            refreshing: false,
            ticket: None,
            max_frame: LOGIN_FRAME,
            window: 1,
            heartbeat: Duration::from_secs(60),
            compress: false,
            next_id: 1,
            frontier: Frontier::default(),
            sends: Sends::default(),
            calls: BTreeMap::new(),
            pulls: HashMap::new(),
            used: 0,
            wants_token: false,
            events,
        }
    }

    // — the link —

    /// The ticket to resume with, if there is one.
    pub(crate) fn ticket(&self) -> Option<&Secret> {
        self.ticket.as_ref()
    }

    /// Forgets a ticket that was refused.
    pub(crate) fn drop_ticket(&mut self) {
        self.ticket = None;
    }

    /// Whether the login is done.
    pub(crate) fn is_up(&self) -> bool {
        self.up
    }

    /// The longest body that the server may send.
    pub(crate) fn max_frame(&self) -> usize {
        self.max_frame
    }

    /// How often something has to be said at least.
    pub(crate) fn heartbeat(&self) -> Duration {
        self.heartbeat
    }

    /// Begins a link.
    pub(crate) fn open(&mut self, opening: Opening, out: &mut Vec<u8>) {
        self.up = false;
        self.refreshing = false;
        self.wants_token = false;
        self.max_frame = LOGIN_FRAME;
        self.used = 0;
        self.pulls.clear();
        self.say_hello(opening, out);
    }

    /// Shows a fresh token on a link that is up.
    pub(crate) fn refresh(&mut self, token: Secret, out: &mut Vec<u8>) {
        self.refreshing = true;
        self.say_hello(Opening::Token(token), out);
    }

    fn say_hello(&self, opening: Opening, out: &mut Vec<u8>) {
        let Settings { client, credit, heartbeat, compress, .. } = &self.settings;
        let capabilities = compress.then(|| compress::CAPABILITY.to_owned()).into_iter().collect();
        let since = self.since.map(|token| token.0);
        let heartbeat = heartbeat.map_or(0, |it| u32::try_from(it.as_millis()).unwrap_or(0));
        let (min_version, max_version) = (anser_wire::MIN_VERSION, anser_wire::VERSION);
        let frame: Frame = match opening {
            Opening::Ticket(ticket) => frame::Resume {
                ticket: ticket.expose().to_owned(),
                min_version,
                max_version,
                capabilities,
                since,
                credit: *credit,
                heartbeat_ms: heartbeat,
                client: client.clone(),
            }
            .into(),
            Opening::Token(token) => frame::Hello {
                token: token.expose().to_owned(),
                min_version,
                max_version,
                capabilities,
                since,
                credit: *credit,
                heartbeat_ms: heartbeat,
                client: client.clone(),
            }
            .into(),
        };
        codec::write(&frame, out);
    }

    /// The link is gone.
    pub(crate) fn lost(&mut self) {
        self.up = false;
        self.sends.relink();
        self.calls.retain(|_, asked| !asked.reply.is_closed());
        self.calls.values_mut().for_each(|asked| asked.part = None);
    }

    /// It is over: everyone who waits is told.
    pub(crate) fn stop(&mut self, stop: &Stop) {
        self.up = false;
        for reply in self.sends.abandon() {
            let _ = reply.send(Err(Failed::Stopped(stop.clone())));
        }
        for (_, asked) in std::mem::take(&mut self.calls) {
            let _ = asked.reply.send(Err(Failed::Stopped(stop.clone())));
        }
        self.tell(Event::Stopped(stop.clone()));
    }

    /// Whether a fresh token is wanted; asked once.
    pub(crate) fn take_token_wish(&mut self) -> bool {
        std::mem::take(&mut self.wants_token)
    }

    /// Tells the app.
    pub(crate) fn tell(&self, event: Event) {
        // An app that dropped its stream does not want to know.
        let _ = self.events.send(event);
    }

    // — the app's wishes —

    /// A message to be stored.
    pub(crate) fn send(&mut self, outgoing: Box<Outgoing>, reply: SendReply) {
        let id = self.fresh_id();
        self.sends.push(id, outgoing, reply);
    }

    /// How many sends have no final answer.
    pub(crate) fn unanswered(&self) -> usize {
        self.sends.len()
    }

    /// A question.
    pub(crate) fn call(&mut self, call: Call, reply: CallReply, out: &mut Vec<u8>) {
        let id = self.fresh_id();
        if self.up {
            codec::write(&frame::Request { id, call: Some(call.clone()) }.into(), out);
        }
        self.calls.insert(id, Asked { call, reply, part: None });
    }

    /// The user is typing, or has stopped. Lost without a link: it is old by the next one.
    pub(crate) fn typing(&self, at: &Address, active: bool, out: &mut Vec<u8>) {
        if self.up {
            let typing = frame::Typing { at: at.to_string(), user: String::new(), active };
            let event = frame::Event { what: Some(Notice::Typing(typing)) };
            codec::write(&event.into(), out);
        }
    }

    /// The app has taken an entry.
    pub(crate) fn taken(&mut self, conv: ConvId, seq: Seq) {
        self.frontier.taken(conv, seq);
    }

    /// Whether acknowledgements are due.
    pub(crate) fn owes_acks(&self) -> bool {
        self.up && self.frontier.owes_acks()
    }

    /// When a send that was refused for now goes out again.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        self.sends.wake_at().filter(|_| self.up)
    }

    /// Writes what may be written now: sends and credit.
    pub(crate) fn write(&mut self, now: Instant, out: &mut Vec<u8>) {
        if !self.up {
            return;
        }
        let compress = self.compress;
        self.sends.write(now, self.window, |id, outgoing| {
            let frame = Frame::from(convert::send(id, outgoing));
            if compress {
                codec::write_compressed(&frame, COMPRESS_FROM, out);
            } else {
                codec::write(&frame, out);
            }
        });
        // Half the credit is kept back as long as the app does not take what it has.
        let half = self.settings.credit / 2;
        if self.used > half && self.frontier.waiting() <= half {
            codec::write(&frame::Credit { add: std::mem::take(&mut self.used) }.into(), out);
        }
    }

    /// Writes the acknowledgements that are due.
    pub(crate) fn write_acks(&mut self, out: &mut Vec<u8>) {
        if self.up {
            self.frontier.take_acks(|conv, seq| {
                codec::write(&frame::DeliverAck { conv: conv.0, seq: seq.0 }.into(), out);
            });
        }
    }

    /// Says something, so that the link is not taken for dead.
    pub(crate) fn ping(out: &mut Vec<u8>) {
        codec::write(&frame::Ping { nonce: 0, heartbeat_ms: 0 }.into(), out);
    }

    fn fresh_id(&mut self) -> u32 {
        let id = self.next_id;
        // 0 names nothing; after 2^32 requests the oldest ids have long been answered.
        self.next_id = self.next_id.checked_add(1).unwrap_or(1);
        id
    }
}

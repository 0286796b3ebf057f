//! What a client is told, and the stream it comes by.

use std::{sync::Arc, time::Duration};

use anser_domain::{Address, ConvId, Keep, Seq, Subject, SyncToken, UserName};
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};

use crate::{
    error::Refused,
    model::{Conversation, Identity, Message},
};

/// Something the app should know.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The link is up.
    Linked(Identity),
    /// The newest change of what is the user's own beside conversations, told with each link: an
    /// app that keeps friends or items and has read them up to an earlier token asks anew.
    Personal(SyncToken),
    /// Something of the user's own has changed.
    Changed {
        /// What.
        subject: Subject,
        /// The change.
        at: SyncToken,
    },
    /// The link is down and will be tried again by itself.
    Unlinked {
        /// Why, for people.
        reason: String,
        /// When the next attempt begins.
        retry_in: Duration,
    },
    /// A conversation has changed while there was no link, or is seen for the first time.
    Conversation(Box<Conversation>),
    /// Everything up to this token has been handed over: an app that keeps its own copy may
    /// begin with it next time ([`Options::since`](crate::Options::since)).
    Synced(SyncToken),
    /// A log entry: gapless and in order per conversation, each once.
    Message(Box<Message>),
    /// Someone has received or read up to a place.
    Receipt(Receipt),
    /// Another of this user's devices has changed how they keep a conversation.
    Kept {
        /// The conversation.
        at: Address,
        /// How it is kept now.
        keep: Keep,
        /// The message that was deleted for this user, if that is what happened.
        deleted: Option<Seq>,
    },
    /// Someone is typing, or has stopped.
    Typing {
        /// The conversation.
        at: Address,
        /// Who.
        user: UserName,
        /// Whether they are.
        active: bool,
    },
    /// Someone came or went.
    Presence {
        /// Who.
        user: UserName,
        /// Whether any of their devices is linked.
        online: bool,
    },
    /// It is over: the client does not come back by itself. The last event.
    Stopped(Stop),
}

/// How far someone has received or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The conversation's number.
    pub conv: ConvId,
    /// The conversation.
    pub at: Address,
    /// Who. The own name: another device of this user has read.
    pub user: UserName,
    /// True: has read. False: has it on some device.
    pub read: bool,
    /// Cumulative.
    pub seq: Seq,
}

/// Why a client does not come back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The app closed it.
    #[error("closed")]
    Closed,
    /// The server does not want this device back with what it can show.
    #[error("{0}")]
    Refused(Refused),
    /// No token could be had.
    #[error("{0}")]
    NoToken(String),
    /// The two do not speak the same protocol.
    #[error("the server does not speak this client's protocol: {0}")]
    Protocol(String),
}

/// What the app has taken from its stream: only that is acknowledged, so that a crash between
/// arrival and use loses nothing.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) entries: Mutex<Vec<(ConvId, Seq)>>,
    pub(crate) notify: Notify,
}

/// The events of one client, in order.
///
/// An app that stops taking them slows its own server down: entries are given credit only as
/// they are taken. A log entry counts as received by this device once the *next* event is asked
/// for, so finish with (or keep) one before asking for another.
#[derive(Debug)]
pub struct Events {
    receiver: mpsc::UnboundedReceiver<Event>,
    taken: Arc<Taken>,
    last: Option<(ConvId, Seq)>,
    first: Option<Event>,
}

impl Events {
    pub(crate) fn new(
        receiver: mpsc::UnboundedReceiver<Event>,
        taken: Arc<Taken>,
        first: Option<Event>,
    ) -> Self {
        Self { receiver, taken, last: None, first }
    }

    /// The next event; `None` after [`Event::Stopped`]. Cancel-safe.
    pub async fn next(&mut self) -> Option<Event> {
        self.done_with_last();
        if self.first.is_some() {
            return self.first.take();
        }
        let event = self.receiver.recv().await?;
        self.note(&event);
        Some(event)
    }

    /// The next event if there is one already.
    pub fn try_next(&mut self) -> Option<Event> {
        self.done_with_last();
        if self.first.is_some() {
            return self.first.take();
        }
        let event = self.receiver.try_recv().ok()?;
        self.note(&event);
        Some(event)
    }

    fn note(&mut self, event: &Event) {
        if let Event::Message(message) = event {
            self.last = Some((message.conv, message.seq));
        }
    }

    fn done_with_last(&mut self) {
        if let Some(last) = self.last.take() {
            self.taken.entries.lock().push(last);
            self.taken.notify.notify_one();
        }
    }
}

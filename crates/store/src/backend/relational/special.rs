//! What few messages need when they are sent: a look at whom they call, or the content of another.

use anser_domain::{Content, Message, Origin, Outgoing, Refusal, UserId};

use super::{
    append::Slot,
    desk::Desk,
    entry::visible,
    extra::{Extra, Forward},
    mention, reworded,
};
use crate::port::{Append, ConversationKind, NO_MESSAGE, StoreError};

/// What such a message comes to.
#[derive(Default)]
pub(super) struct Special {
    content: Option<Content>,
    pub(super) called: Vec<UserId>,
    pub(super) extra: Extra,
}

/// Looks at a message; `None` for the many that are plain.
pub(super) fn look(
    desk: &mut Desk<'_>,
    slot: &Slot,
    append: &Append,
    out: &Outgoing,
) -> Result<Option<Box<Special>>, StoreError> {
    if out.mentions.is_empty() && !out.mentions_all && out.forward.is_none() {
        return Ok(None);
    }
    let mut special =
        Special { called: mention::members(desk, &slot.acl, &out.mentions)?, ..Special::default() };
    if out.mentions_all {
        if slot.acl.kind == ConversationKind::Direct {
            return Err(Refusal::Invalid("everybody is called in groups only").into());
        }
        special.extra.all = true;
    }
    if let Some(source) = &out.forward {
        let user = append.actor.user;
        let conv = desk.find(user, &source.at)?.ok_or(NO_MESSAGE)?;
        let (message, extra) = visible(desk, user, conv, source.seq)?;
        if extra.recalled {
            return Err(NO_MESSAGE.into());
        }
        // What was forwarded before keeps its first author.
        let first = message.marks.as_ref().and_then(|marks| marks.origin.clone());
        let origin =
            first.unwrap_or(Origin { sender: message.sender.name.clone(), ts: message.ts });
        special.extra.forward = Some(Forward {
            sender: origin.sender.as_str().into(),
            ts: origin.ts.0,
            conv: conv.0,
            seq: source.seq.0,
        });
        // Where it was decided what it says, that is what was looked at; the source may say
        // something else by now.
        special.content = reworded::words(append).is_none().then_some(message.content);
    }
    Ok(Some(Box::new(special)))
}

impl Special {
    /// The content that is sent on, when it is another's.
    pub(super) fn content(&self) -> Option<&Content> {
        self.content.as_ref()
    }

    /// Puts it on the message.
    pub(super) fn put_on(&mut self, message: &mut Message) {
        if let Some(content) = self.content.take() {
            message.content = content;
            // Other protocols' bytes are of the message that was not sent.
            message.payload = None;
        }
        message.marks = self.extra.marks();
    }
}

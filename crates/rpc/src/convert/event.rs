//! Events.

use std::sync::Arc;

use anser_domain::{
    Changed, ConvId, Delivery, Encoded, Event, Kept, Presence, Receipt, Seq, Subject, SyncToken,
    Typing, UserName,
};

use super::{Form, account::address, known, or_never, required};
use crate::{malformed::Malformed, proto};

impl Form for Event {
    type Proto = proto::Event;

    fn form(&self) -> proto::Event {
        use proto::event::Event as It;
        proto::Event {
            event: Some(match self {
                Self::Message(delivery) => It::Message(delivery.form()),
                Self::Head { conv, head } => It::Head(proto::ConvSeq { conv: conv.0, seq: head.0 }),
                Self::Receipt(receipt) => It::Receipt(receipt.form()),
                Self::Kept(kept) => It::Kept(kept.form()),
                Self::Typing(typing) => It::Typing(typing.form()),
                Self::Presence(presence) => It::Presence(presence.form()),
                Self::Changed(changed) => It::Changed(changed.form()),
            }),
        }
    }

    fn read(form: proto::Event) -> Result<Self, Malformed> {
        use proto::event::Event as It;
        Ok(match form.event.ok_or(Malformed::Missing("event"))? {
            It::Message(it) => Self::Message(Arc::new(Delivery::read(it)?)),
            It::Head(it) => Self::Head { conv: ConvId(it.conv), head: Seq(it.seq) },
            It::Receipt(it) => Self::Receipt(Arc::new(Receipt::read(it)?)),
            It::Kept(it) => Self::Kept(Arc::new(Kept::read(it)?)),
            It::Typing(it) => Self::Typing(Arc::new(Typing::read(it)?)),
            It::Presence(it) => Self::Presence(Arc::new(Presence::read(it)?)),
            It::Changed(it) => Self::Changed(Arc::new(Changed::read(it)?)),
        })
    }
}

impl Form for Delivery {
    type Proto = proto::Delivery;

    fn form(&self) -> proto::Delivery {
        // What sessions of this process have encoded stays here: it is theirs to make again.
        let Self { at, message, prev, links, encoded: _ } = self;
        proto::Delivery {
            at: Some(at.form()),
            message: Some(message.form()),
            links: *links,
            prev: known(*prev),
        }
    }

    fn read(form: proto::Delivery) -> Result<Self, Malformed> {
        let proto::Delivery { at, message, links, prev } = form;
        Ok(Self {
            at: address(at)?,
            message: required(message, "message")?,
            prev: or_never(prev),
            links,
            encoded: Encoded::default(),
        })
    }
}

impl Form for Receipt {
    type Proto = proto::Receipt;

    fn form(&self) -> proto::Receipt {
        let Self { conv, at, user, read, seq } = self;
        proto::Receipt {
            conv: conv.0,
            at: Some(at.form()),
            user: user.form(),
            read: *read,
            seq: seq.0,
        }
    }

    fn read(form: proto::Receipt) -> Result<Self, Malformed> {
        let proto::Receipt { conv, at, user, read, seq } = form;
        Ok(Self {
            conv: ConvId(conv),
            at: address(at)?,
            user: UserName::read(user)?,
            read,
            seq: Seq(seq),
        })
    }
}

impl Form for Typing {
    type Proto = proto::Typing;

    fn form(&self) -> proto::Typing {
        let Self { at, user, active } = self;
        proto::Typing { at: Some(at.form()), user: user.form(), active: *active }
    }

    fn read(form: proto::Typing) -> Result<Self, Malformed> {
        let proto::Typing { at, user, active } = form;
        Ok(Self { at: address(at)?, user: UserName::read(user)?, active })
    }
}

impl Form for Presence {
    type Proto = proto::Presence;

    fn form(&self) -> proto::Presence {
        let Self { user, online } = self;
        proto::Presence { user: user.form(), online: *online }
    }

    fn read(form: proto::Presence) -> Result<Self, Malformed> {
        let proto::Presence { user, online } = form;
        Ok(Self { user: UserName::read(user)?, online })
    }
}

impl Form for Changed {
    type Proto = proto::Changed;

    fn form(&self) -> proto::Changed {
        let Self { subject, at } = self;
        proto::Changed { subject: subject.form(), at: at.0 }
    }

    fn read(form: proto::Changed) -> Result<Self, Malformed> {
        let proto::Changed { subject, at } = form;
        Ok(Self { subject: Subject::read(subject)?, at: SyncToken(at) })
    }
}

impl Form for Subject {
    type Proto = i32;

    fn form(&self) -> i32 {
        let subject = match self {
            Self::Friends => proto::Subject::Friends,
            Self::Requests => proto::Subject::Requests,
            Self::Blocks => proto::Subject::Blocks,
            Self::Invitations => proto::Subject::Invitations,
            Self::Items => proto::Subject::Items,
            Self::Profile => proto::Subject::Profile,
        };
        subject.into()
    }

    fn read(form: i32) -> Result<Self, Malformed> {
        match proto::Subject::try_from(form) {
            Ok(proto::Subject::Friends) => Ok(Self::Friends),
            Ok(proto::Subject::Requests) => Ok(Self::Requests),
            Ok(proto::Subject::Blocks) => Ok(Self::Blocks),
            Ok(proto::Subject::Invitations) => Ok(Self::Invitations),
            Ok(proto::Subject::Items) => Ok(Self::Items),
            Ok(proto::Subject::Profile) => Ok(Self::Profile),
            Ok(proto::Subject::Unspecified) | Err(_) => Err(Malformed::Range("subject")),
        }
    }
}

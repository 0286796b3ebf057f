//! Asks, and what frames hints: stream positions, beats.

use anser_domain::{
    Ask, Beat, Caller, Command, Event, Hint, LinkId, PeerId, ReplyTo, StreamPos, SyncToken, Tag,
    Via,
};

use super::{Form, required};
use crate::{malformed::Malformed, proto};

impl Form for Ask {
    type Proto = proto::Ask;

    fn form(&self) -> proto::Ask {
        let Self { from, caller, command } = self;
        proto::Ask {
            from: Some(from.form()),
            caller: Some(caller.form()),
            command: Some(command.form()),
        }
    }

    fn read(form: proto::Ask) -> Result<Self, Malformed> {
        let proto::Ask { from, caller, command } = form;
        Ok(Self {
            from: required(from, "reply address")?,
            caller: required::<Caller>(caller, "caller")?,
            command: required::<Command>(command, "command")?,
        })
    }
}

impl Form for ReplyTo {
    type Proto = proto::ReplyTo;

    fn form(&self) -> proto::ReplyTo {
        // By which stream it comes is known where it arrives.
        let Self { peer, link, tag, via: _ } = self;
        proto::ReplyTo { peer: peer.0, link: link.0, tag: tag.0 }
    }

    fn read(form: proto::ReplyTo) -> Result<Self, Malformed> {
        let proto::ReplyTo { peer, link, tag } = form;
        let (peer, link, tag) = (PeerId(peer), LinkId(link), Tag(tag));
        Ok(Self { peer, link, tag, via: Via::default() })
    }
}

impl Form for Hint {
    type Proto = proto::Hint;

    fn form(&self) -> proto::Hint {
        let Self { event, links } = self;
        proto::Hint { event: Some(event.form()), links: links.iter().map(|link| link.0).collect() }
    }

    fn read(form: proto::Hint) -> Result<Self, Malformed> {
        let proto::Hint { event, links } = form;
        Ok(Self {
            event: required::<Event>(event, "event")?,
            links: links.into_iter().map(LinkId).collect(),
        })
    }
}

impl Form for StreamPos {
    type Proto = proto::StreamPos;

    fn form(&self) -> proto::StreamPos {
        let Self { sm, number } = self;
        proto::StreamPos { sm: sm.0, number: *number }
    }

    fn read(form: proto::StreamPos) -> Result<Self, Malformed> {
        let proto::StreamPos { sm, number } = form;
        Ok(Self { sm: PeerId(sm), number })
    }
}

impl Form for Beat {
    type Proto = proto::Beat;

    fn form(&self) -> proto::Beat {
        let Self { at, watermark, routes_generation } = self;
        proto::Beat {
            at: Some(at.form()),
            watermark: watermark.0,
            routes_generation: *routes_generation,
        }
    }

    fn read(form: proto::Beat) -> Result<Self, Malformed> {
        let proto::Beat { at, watermark, routes_generation } = form;
        Ok(Self {
            at: required(at, "stream position")?,
            watermark: SyncToken(watermark),
            routes_generation,
        })
    }
}

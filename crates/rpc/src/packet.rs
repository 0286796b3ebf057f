//! The two directions of a stream, packet by packet.

use anser_domain::{Ask, Beat, Hint, LinkId, PeerId, Refusal, Reply, StreamPos, Tag};
use bytes::Bytes;
use prost::Message as _;

use crate::{
    convert::{Form, forms, read_all, required},
    malformed::Malformed,
    proto,
};

/// CM or Web → SM.
#[derive(Clone, Debug)]
pub enum ToSm {
    /// `SessionManager::attach`: the peer is there.
    Attach {
        /// One life of it.
        peer: PeerId,
        /// Whether it holds links.
        links: bool,
    },
    /// `SessionManager::detach`: the peer is gone.
    Detach(PeerId),
    /// `SessionManager::submit`.
    Asks(Vec<Ask>),
}

/// SM → CM or Web.
#[derive(Clone, Debug)]
pub enum FromSm {
    /// `Replies::replies`.
    Replies(Vec<(LinkId, Tag, Reply)>),
    /// `Links::deliver`.
    Hints(StreamPos, Vec<Hint>),
    /// `Links::evict`.
    Evict(Vec<(LinkId, Refusal)>),
    /// `Links::beat`.
    Beat(Beat),
}

/// [`ToSm::Asks`] of questions that are kept.
pub(crate) fn asks<'a>(asks: impl Iterator<Item = &'a Ask>) -> proto::ToSm {
    let asks = proto::Asks { asks: forms(asks) };
    proto::ToSm { packet: Some(proto::to_sm::Packet::Asks(asks)) }
}

impl ToSm {
    /// The packet's bytes.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        self.form().encode_to_vec().into()
    }

    pub(crate) fn form(&self) -> proto::ToSm {
        use proto::to_sm::Packet;
        let packet = match self {
            Self::Attach { peer, links } => {
                Packet::Attach(proto::Attach { peer: peer.0, links: *links })
            }
            Self::Detach(peer) => Packet::Detach(peer.0),
            Self::Asks(asks) => Packet::Asks(proto::Asks { asks: forms(asks) }),
        };
        proto::ToSm { packet: Some(packet) }
    }

    /// Reads a packet.
    ///
    /// # Errors
    /// [`Malformed`], whatever is wrong with it.
    pub fn decode(bytes: Bytes) -> Result<Self, Malformed> {
        Self::read(proto::ToSm::decode(bytes)?)
    }

    pub(crate) fn read(form: proto::ToSm) -> Result<Self, Malformed> {
        use proto::to_sm::Packet;
        let packet = form.packet.ok_or(Malformed::Missing("packet"))?;
        Ok(match packet {
            Packet::Attach(it) => Self::Attach { peer: PeerId(it.peer), links: it.links },
            Packet::Detach(peer) => Self::Detach(PeerId(peer)),
            Packet::Asks(it) => Self::Asks(read_all(it.asks)?),
        })
    }
}

impl FromSm {
    /// The packet's bytes.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        self.form().encode_to_vec().into()
    }

    pub(crate) fn form(&self) -> proto::FromSm {
        use proto::from_sm::Packet;
        let packet = match self {
            Self::Replies(answers) => Packet::Replies(proto::Replies {
                answers: answers
                    .iter()
                    .map(|(link, tag, reply)| proto::Answer {
                        link: link.0,
                        tag: tag.0,
                        reply: Some(reply.form()),
                    })
                    .collect(),
            }),
            Self::Hints(at, hints) => {
                Packet::Hints(proto::Hints { at: Some(at.form()), hints: forms(hints) })
            }
            Self::Evict(links) => Packet::Evict(proto::Evictions {
                evictions: links
                    .iter()
                    .map(|(link, why)| proto::Eviction { link: link.0, why: Some(why.form()) })
                    .collect(),
            }),
            Self::Beat(beat) => Packet::Beat(beat.form()),
        };
        proto::FromSm { packet: Some(packet) }
    }

    /// Reads a packet.
    ///
    /// # Errors
    /// [`Malformed`], whatever is wrong with it.
    pub fn decode(bytes: Bytes) -> Result<Self, Malformed> {
        Self::read(proto::FromSm::decode(bytes)?)
    }

    pub(crate) fn read(form: proto::FromSm) -> Result<Self, Malformed> {
        use proto::from_sm::Packet;
        let packet = form.packet.ok_or(Malformed::Missing("packet"))?;
        Ok(match packet {
            Packet::Replies(it) => Self::Replies(
                it.answers
                    .into_iter()
                    .map(|it| Ok((LinkId(it.link), Tag(it.tag), required(it.reply, "reply")?)))
                    .collect::<Result<_, Malformed>>()?,
            ),
            Packet::Hints(it) => {
                Self::Hints(required(it.at, "stream position")?, read_all(it.hints)?)
            }
            Packet::Evict(it) => Self::Evict(
                it.evictions
                    .into_iter()
                    .map(|it| Ok((LinkId(it.link), required(it.why, "refusal")?)))
                    .collect::<Result<_, Malformed>>()?,
            ),
            Packet::Beat(it) => Self::Beat(Beat::read(it)?),
        })
    }
}

//! The two directions of a stream, packet by packet.

use anser_domain::{Ask, Beat, Hint, LinkId, PeerId, Refusal, Reply, ReplyTo, StreamPos, Tag};
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
        /// Whether it answers pings. A release that has none says nothing of it.
        pongs: bool,
    },
    /// `SessionManager::detach`: the peer is gone.
    Detach(PeerId),
    /// `SessionManager::submit`.
    Asks(Vec<Ask>),
    /// It still waits for this SM: the answer to the ping of this number.
    Pong(u64),
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
    /// Whether the peer still waits for this SM: to be answered with the number.
    Ping(u64),
}

/// A packet as far as this release can read it.
pub(crate) struct Known<P, Unread> {
    /// `None` when it is of a kind that came later.
    pub(crate) packet: Option<P>,
    /// What of it could not be read.
    pub(crate) unread: Unread,
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
            Self::Attach { peer, links, pongs } => {
                Packet::Attach(proto::Attach { peer: peer.0, links: *links, pongs: *pongs })
            }
            Self::Detach(peer) => Packet::Detach(peer.0),
            Self::Asks(asks) => Packet::Asks(proto::Asks { asks: forms(asks) }),
            Self::Pong(ping) => Packet::Pong(*ping),
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
            Packet::Attach(proto::Attach { peer, links, pongs }) => {
                Self::Attach { peer: PeerId(peer), links, pongs }
            }
            Packet::Detach(peer) => Self::Detach(PeerId(peer)),
            Packet::Asks(it) => Self::Asks(read_all(it.asks)?),
            Packet::Pong(ping) => Self::Pong(ping),
        })
    }
}

impl ToSm {
    /// Reads what can be read: a question of a later release harms no other. Those that could not
    /// be read are named, so that they can be refused.
    pub(crate) fn known(form: proto::ToSm) -> Result<Known<Self, Vec<ReplyTo>>, Malformed> {
        use proto::to_sm::Packet;
        let mut unread = Vec::new();
        let packet = match form.packet {
            None => None,
            Some(Packet::Asks(it)) => {
                let mut asks = Vec::with_capacity(it.asks.len());
                for form in it.asks {
                    let from = form.from;
                    match Ask::read(form) {
                        Ok(ask) => asks.push(ask),
                        Err(error) => {
                            tracing::warn!(%error, "a question cannot be read");
                            // Without an address there is nobody to tell.
                            unread.extend(required::<ReplyTo>(from, "reply address").ok());
                        }
                    }
                }
                Some(Self::Asks(asks))
            }
            packet => Some(Self::read(proto::ToSm { packet })?),
        };
        Ok(Known { packet, unread })
    }
}

impl FromSm {
    /// Reads what can be read, and counts the rest. An answer that this release does not know
    /// becomes a refusal, to be asked again: another SM may be of this release. What links are only
    /// to be told is left out. A link that has to end does, for whatever reason.
    pub(crate) fn known(form: proto::FromSm) -> Result<Known<Self, usize>, Malformed> {
        use proto::from_sm::Packet;
        let mut unread = 0;
        let mut count = |error: Malformed| {
            tracing::warn!(%error, "a part of a packet cannot be read");
            unread += 1;
        };
        let packet = match form.packet {
            None => {
                count(Malformed::Missing("packet"));
                None
            }
            Some(Packet::Replies(it)) => {
                let read = |it: proto::Answer| {
                    let reply = required(it.reply, "reply").unwrap_or_else(|error| {
                        count(error);
                        Reply::Refused(Refusal::Unavailable)
                    });
                    (LinkId(it.link), Tag(it.tag), reply)
                };
                Some(Self::Replies(it.answers.into_iter().map(read).collect()))
            }
            Some(Packet::Hints(it)) => {
                let at = required(it.at, "stream position")?;
                let read = |form| Hint::read(form).map_err(&mut count).ok();
                Some(Self::Hints(at, it.hints.into_iter().filter_map(read).collect()))
            }
            Some(Packet::Evict(it)) => {
                let read = |it: proto::Eviction| {
                    let why = required(it.why, "refusal").unwrap_or_else(|error| {
                        count(error);
                        // They come back, and are told why not.
                        Refusal::Draining
                    });
                    (LinkId(it.link), why)
                };
                Some(Self::Evict(it.evictions.into_iter().map(read).collect()))
            }
            packet @ Some(Packet::Beat(_) | Packet::Ping(_)) => {
                Some(Self::read(proto::FromSm { packet })?)
            }
        };
        Ok(Known { packet, unread })
    }

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
            Self::Ping(ping) => Packet::Ping(*ping),
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
            Packet::Ping(ping) => Self::Ping(ping),
        })
    }
}

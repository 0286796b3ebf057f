//! Frames to what apps see, and back.

use anser_domain::{
    Address, ClientId, Content, ConvId, Gone, GroupRole, Keep, Kind, LogEvent, Marks, MessageId,
    Millis, Ord64, Origin, Outgoing, PolicyPatch, ProfilePatch, Reaction, Seq, Subject, UserName,
};
use anser_wire::{
    SUBJECTS,
    frame::{self, Happening},
};
use bytes::Bytes;

use crate::model::{Conversation, Message, Page, Stored};

mod account;
mod groups;
mod messages;
mod people;

pub(crate) use self::{
    account::{device, file, profile},
    groups::{group, invitation, kind_number, policy_patch, waiting},
    messages::{found, pins, reactor, receipts},
    people::{blocks, friend, friends, item, items, request, requests},
};

/// A value in a frame that the protocol does not allow there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server sent {0}")]
pub(crate) struct Odd(&'static str);

type Result<T> = std::result::Result<T, Odd>;

pub(crate) fn address(text: &str) -> Result<Address> {
    text.parse().map_err(|_| Odd("a bad address"))
}

pub(crate) fn user(text: &str) -> Result<UserName> {
    UserName::new(text).map_err(|_| Odd("a bad user name"))
}

/// An entry; inside a page the conversation stands on the page and not on its entries.
pub(crate) fn message(frame: frame::Deliver, page: Option<(ConvId, &Address)>) -> Result<Message> {
    let (conv, at) = match page {
        Some((conv, at)) => (conv, at.clone()),
        None => (ConvId(frame.conv), address(&frame.at)?),
    };
    let client_id = <[u8; 16]>::try_from(frame.client_id.as_slice());
    let marks = frame.marks;
    let gone = marks.as_ref().map_or(0, |marks| marks.gone);
    Ok(Message {
        conv,
        at,
        seq: Seq(frame.seq),
        ord: Ord64(frame.ord),
        id: MessageId(frame.message_id),
        sender: user(&frame.sender)?,
        client_id: ClientId(client_id.map_err(|_| Odd("a bad client id"))?),
        ts: Millis(frame.ts),
        content: content(frame.kind, gone, frame.body, frame.event)?,
        reply_to: (frame.reply_to != 0).then_some(Seq(frame.reply_to)),
        mentions: frame.mentions.iter().map(|name| user(name)).collect::<Result<_>>()?,
        payload: Bytes::from(frame.payload),
        marks: marks.map(self::marks).transpose()?.flatten(),
    })
}

/// What an entry has beside what it says.
fn marks(marks: frame::Marks) -> Result<Option<Box<Marks>>> {
    let frame::Marks { gone: _, edited, reactions, pinned, mentions_all, origin } = marks;
    let reactions = reactions.into_iter().map(|it| Reaction {
        reaction: it.reaction.into(),
        count: it.count,
        mine: it.mine,
    });
    let origin = match origin {
        Some(it) => Some(Origin { sender: user(&it.sender)?, ts: Millis(it.ts) }),
        None => None,
    };
    let marks = Marks {
        edited: edited.map(Millis),
        reactions: reactions.collect(),
        pinned,
        mentions_all,
        origin,
    };
    Ok((marks != Marks::default()).then(|| Box::new(marks)))
}

/// How this user keeps a conversation.
pub(crate) fn keep(keep: Option<frame::Keep>) -> Keep {
    let frame::Keep { muted_until, pinned, hidden, cleared } = keep.unwrap_or_default();
    Keep { muted_until: Millis(muted_until), pinned, hidden, cleared: Seq(cleared) }
}

fn content(kind: u32, gone: u32, body: String, event: Option<frame::LogEvent>) -> Result<Content> {
    let known = u8::try_from(kind).ok().and_then(Kind::from_number);
    match known {
        Some(Kind::Event) => Ok(Content::Event(log_event(event)?)),
        Some(Kind::Gone) => {
            let gone = u8::try_from(gone).ok().and_then(Gone::from_number);
            Ok(Content::Gone(gone.unwrap_or(Gone::Deleted)))
        }
        Some(kind) => Content::user_sent(kind, body.into()).ok_or(Odd("an entry of a bad kind")),
        // A kind of a later version is shown as what any app may put into a log.
        None => Ok(Content::Custom(body.into())),
    }
}

fn log_event(event: Option<frame::LogEvent>) -> Result<LogEvent> {
    let members = |list: frame::MemberList| {
        let rows = list.members.iter();
        rows.map(|it| Ok((user(&it.user)?, role_or_member(it.role)))).collect::<Result<_>>()
    };
    Ok(match event.and_then(|event| event.what) {
        Some(Happening::Created(list)) => LogEvent::Created { members: members(list)? },
        Some(Happening::Joined(list)) => LogEvent::Joined { members: members(list)? },
        Some(Happening::Removed(list)) => LogEvent::Removed {
            members: list.users.iter().map(|name| user(name)).collect::<Result<_>>()?,
        },
        Some(Happening::Profile(patch)) => LogEvent::Profile(ProfilePatch {
            title: patch.title.map(Into::into),
            description: patch.description.map(Into::into),
            avatar: patch.avatar.map(Into::into),
            announcement: patch.announcement.map(Into::into),
        }),
        Some(Happening::Policy(policy)) => LogEvent::Policy(PolicyPatch {
            join: groups::join(policy.join),
            invite: groups::who(policy.invite),
            post: groups::who(policy.post),
            pin: groups::who(policy.pin),
            edit: groups::who(policy.edit),
            hidden: policy.hidden,
        }),
        Some(Happening::Muted(mute)) => {
            LogEvent::Muted { user: user(&mute.user)?, until: Millis(mute.until) }
        }
        Some(Happening::Dissolved(_)) => LogEvent::Dissolved,
        Some(Happening::Recalled(it)) => LogEvent::Recalled { seq: Seq(it.seq) },
        Some(Happening::Edited(it)) => LogEvent::Edited {
            seq: Seq(it.seq),
            content: match it.kind {
                0 => None,
                kind => Some(Box::new(content(kind, 0, it.body, None)?)),
            },
            mentions: it.mentions.iter().map(|name| user(name)).collect::<Result<_>>()?,
        },
        Some(Happening::Reacted(it)) => {
            LogEvent::Reacted { seq: Seq(it.seq), reaction: it.reaction.into(), on: it.on }
        }
        Some(Happening::Pinned(it)) => LogEvent::Pinned { seq: Seq(it.seq), on: it.on },
        // Something that a later version knows: nobody came in by it.
        None => LogEvent::Joined { members: Vec::new() },
    })
}

pub(crate) fn subject(number: u32) -> Option<Subject> {
    SUBJECTS.iter().find(|row| u32::from(row.2) == number).map(|row| row.0)
}

/// The numbers of standings, as in the specification's table of roles.
const ROLES: [(u32, GroupRole); 3] =
    [(1, GroupRole::Member), (2, GroupRole::Admin), (3, GroupRole::Owner)];

pub(crate) fn role(number: u32) -> Option<GroupRole> {
    ROLES.iter().find(|row| row.0 == number).map(|row| row.1)
}

pub(crate) fn role_number(role: GroupRole) -> u32 {
    ROLES.iter().find(|row| row.1 == role).map_or(0, |row| row.0)
}

fn role_or_member(number: u32) -> GroupRole {
    role(number).unwrap_or(GroupRole::Member)
}

pub(crate) fn conversation(frame: frame::Conversation) -> Result<Conversation> {
    let (conv, at) = (ConvId(frame.conv), address(&frame.at)?);
    Ok(Conversation {
        last: frame.last.map(|last| message(last, Some((conv, &at)))).transpose()?,
        conv,
        at,
        title: frame.title,
        head: Seq(frame.head),
        delivered: Seq(frame.delivered),
        read: Seq(frame.read),
        peer_delivered: Seq(frame.peer_delivered),
        peer_read: Seq(frame.peer_read),
        unread: frame.unread,
        mentions: frame.mentions,
        keep: keep(frame.keep),
        member: frame.member,
    })
}

pub(crate) fn page(log: frame::Log) -> Result<Page> {
    let (conv, at) = (ConvId(log.conv), address(&log.at)?);
    let messages = log.entries.into_iter().map(|entry| message(entry, Some((conv, &at))));
    Ok(Page {
        messages: messages.collect::<Result<_>>()?,
        conv,
        at,
        head: Seq(log.head),
        more: log.more,
    })
}

pub(crate) fn sent(ack: &frame::SendAck) -> Stored {
    Stored {
        conv: ConvId(ack.conv),
        seq: Seq(ack.seq),
        id: MessageId(ack.message_id),
        ts: Millis(ack.ts),
        duplicate: ack.duplicate,
    }
}

pub(crate) fn stored(stored: &frame::Stored) -> Stored {
    Stored {
        conv: ConvId(stored.conv),
        seq: Seq(stored.seq),
        id: MessageId(stored.message_id),
        ts: Millis(stored.ts),
        duplicate: stored.duplicate,
    }
}

pub(crate) fn send(id: u32, outgoing: &Outgoing) -> frame::Send {
    frame::Send {
        id,
        to: outgoing.to.to_string(),
        client_id: outgoing.client_id.0.to_vec(),
        kind: u32::from(outgoing.content.kind().number()),
        body: outgoing.content.body().unwrap_or_default().to_owned(),
        reply_to: outgoing.reply_to.map_or(0, |seq| seq.0),
        mentions: outgoing.mentions.iter().map(ToString::to_string).collect(),
        payload: outgoing.payload.as_ref().map_or_else(Vec::new, |it| it.bytes.to_vec()),
        mentions_all: outgoing.mentions_all,
        forward: outgoing
            .forward
            .as_ref()
            .map(|from| frame::Source { at: from.at.to_string(), seq: from.seq.0 }),
    }
}

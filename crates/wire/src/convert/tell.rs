//! What the server knows, as frames.

use anser_domain::{
    Changes, Content, ConversationState, Event, GroupRole, LogEvent, Message, Page, Profile,
    Protocol, Reply, Role, Sent, UserName,
};

use super::{people, role_number};
use crate::frame::{self, Answer, Notice};

/// A log entry as it stands in pages: without the conversation, which the page names.
pub(crate) fn entry(message: &Message) -> frame::Deliver {
    let payload = match &message.payload {
        Some(payload) if payload.protocol == Protocol::Native => payload.bytes.to_vec(),
        _ => Vec::new(),
    };
    let event = match &message.content {
        Content::Event(event) => Some(log_event(event)),
        _ => None,
    };
    frame::Deliver {
        conv: 0,
        at: String::new(),
        seq: message.seq.0,
        ord: message.ord.0,
        message_id: message.id.0,
        sender: message.sender.name.to_string(),
        client_id: message.client_id.0.to_vec(),
        ts: message.ts.0,
        kind: message.content.kind().number().into(),
        body: message.content.body().unwrap_or_default().to_owned(),
        reply_to: message.reply_to.map_or(0, |seq| seq.0),
        mentions: message.mentions.iter().map(ToString::to_string).collect(),
        event,
        payload,
        marks: super::marks(message),
    }
}

/// What happened, as a part of a DELIVER.
pub(crate) fn log_event(event: &LogEvent) -> frame::LogEvent {
    use frame::Happening;
    let list = |members: &[(UserName, GroupRole)]| frame::MemberList {
        members: members.iter().map(|(name, role)| membership(name, *role)).collect(),
    };
    let what = match event {
        LogEvent::Created { members } => Happening::Created(list(members)),
        LogEvent::Joined { members } => Happening::Joined(list(members)),
        LogEvent::Removed { members } => Happening::Removed(frame::NameList {
            users: members.iter().map(ToString::to_string).collect(),
        }),
        of_a_message @ (LogEvent::Recalled { .. }
        | LogEvent::Edited { .. }
        | LogEvent::Reacted { .. }
        | LogEvent::Pinned { .. }) => {
            return frame::LogEvent { what: super::message::happening(of_a_message) };
        }
        other => return frame::LogEvent { what: super::group::happening(other) },
    };
    frame::LogEvent { what: Some(what) }
}

fn membership(name: &UserName, role: GroupRole) -> frame::Membership {
    frame::Membership { user: name.to_string(), role: role_number(role).into() }
}

/// What an SM says of its own accord, as a notice; `None` for log entries, which have a frame of
/// their own.
pub(crate) fn notice(event: &Event) -> Option<Notice> {
    Some(match event {
        Event::Message(_) => return None,
        Event::Head { conv, head } => Notice::Head(frame::Head { conv: conv.0, head: head.0 }),
        Event::Receipt(it) => Notice::Receipt(frame::Receipt {
            conv: it.conv.0,
            at: it.at.to_string(),
            user: it.user.to_string(),
            read: it.read,
            seq: it.seq.0,
        }),
        Event::Typing(it) => Notice::Typing(frame::Typing {
            at: it.at.to_string(),
            user: it.user.to_string(),
            active: it.active,
        }),
        Event::Presence(it) => {
            Notice::Presence(frame::Presence { user: it.user.to_string(), online: it.online })
        }
        Event::Kept(it) => Notice::Kept(super::message::kept(it)),
        Event::Changed(it) => Notice::Changed(frame::Changed {
            subject: super::subject_number(it.subject).into(),
            at: it.at.0,
        }),
    })
}

/// One row of a list of conversations.
pub(crate) fn conversation(state: &ConversationState) -> frame::Conversation {
    frame::Conversation {
        conv: state.conv.0,
        at: state.at.to_string(),
        title: state.title.to_string(),
        head: state.head.0,
        last: state.last.as_deref().map(entry),
        delivered: state.delivered.0,
        read: state.read.0,
        peer_delivered: state.peer_delivered.0,
        peer_read: state.peer_read.0,
        unread: state.unread,
        member: state.member,
        changed: state.changed.0,
        mentions: state.mentions,
        keep: Some(super::message::keep(&state.keep)),
    }
}

/// A page of changes, in as many sets as it takes to keep each below `budget` bytes.
pub(crate) fn change_sets(changes: &Changes, budget: usize) -> Vec<frame::ChangeSet> {
    let parts = parts(changes.conversations.iter().map(conversation), budget);
    let last = parts.len().saturating_sub(1);
    let set = |(n, conversations)| frame::ChangeSet {
        conversations,
        token: changes.token.0,
        more: changes.more,
        partial: n < last,
    };
    parts.into_iter().enumerate().map(set).collect()
}

/// A page of a log, in as many parts as it takes to keep each below `budget` bytes.
pub(crate) fn logs(page: &Page, budget: usize) -> Vec<frame::Log> {
    let parts = parts(page.messages.iter().map(|message| entry(message)), budget);
    let last = parts.len().saturating_sub(1);
    let log = |(n, entries)| frame::Log {
        conv: page.conv.0,
        at: page.at.to_string(),
        entries,
        after: page.after.0,
        head: page.head.0,
        more: page.more,
        partial: n < last,
    };
    parts.into_iter().enumerate().map(log).collect()
}

/// Rows in groups that stay below `budget` bytes, at least one group, at least one row in each
/// but an only one.
pub(super) fn parts<M: prost::Message>(
    rows: impl Iterator<Item = M>,
    budget: usize,
) -> Vec<Vec<M>> {
    // A row's key and length in front of it.
    const OVERHEAD: usize = 6;
    let mut parts = Vec::new();
    let (mut part, mut len) = (Vec::new(), 0);
    for row in rows {
        let row_len = row.encoded_len() + OVERHEAD;
        if len + row_len > budget && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
            len = 0;
        }
        len += row_len;
        part.push(row);
    }
    parts.push(part);
    parts
}

/// The answers to a REQUEST, all but the last of them partial; `None` for replies that answer
/// none.
pub(crate) fn answers(reply: &Reply, budget: usize) -> Option<Vec<Answer>> {
    let one = match reply {
        Reply::Page(page) => {
            return Some(logs(page, budget).into_iter().map(Answer::Log).collect());
        }
        Reply::Conversations(list) => {
            let sets = change_sets(list, budget).into_iter();
            return Some(sets.map(Answer::Conversations).collect());
        }
        Reply::Messages(reply) => return Some(super::message::answers(reply, budget)),
        Reply::Done => Answer::Done(frame::Done {}),
        Reply::Sent(sent) => Answer::Sent(stored(sent)),
        Reply::Group(group) => Answer::Group(super::group::card(group)),
        Reply::Groups(reply) => super::group::answer(reply),
        Reply::Members(page) => Answer::Members(frame::Members {
            members: page.members.iter().map(|it| membership(&it.name, it.role)).collect(),
            more: page.more,
        }),
        Reply::User(profile) => Answer::User(user(profile)),
        Reply::Users(users) => {
            Answer::Users(frame::Users { users: users.iter().map(user).collect() })
        }
        Reply::People(reply) => people::answer(reply),
        Reply::Devices(devices) => Answer::Devices(frame::Devices {
            devices: devices
                .iter()
                .map(|device| frame::Device {
                    device: device.name.to_string(),
                    created: device.created.0,
                    seen: device.seen.0,
                    online: device.online,
                })
                .collect(),
        }),
        Reply::Files(reply) => Answer::File(super::file::answer(reply)?),
        Reply::Refused(_)
        | Reply::Welcome(_)
        | Reply::Changes(_)
        | Reply::Tokens(_)
        | Reply::Push(_)
        | Reply::Admin(_) => return None,
    };
    Some(vec![one])
}

fn stored(sent: &Sent) -> frame::Stored {
    frame::Stored {
        conv: sent.conv.0,
        seq: sent.seq.0,
        message_id: sent.id.0,
        ts: sent.ts.0,
        duplicate: sent.duplicate,
    }
}

fn user(profile: &Profile) -> frame::User {
    let user = frame::User {
        user: profile.name.to_string(),
        display_name: profile.display_name.to_string(),
        admin: profile.role == Role::Admin,
        disabled: profile.disabled,
        ..frame::User::default()
    };
    people::details(&profile.details, user)
}

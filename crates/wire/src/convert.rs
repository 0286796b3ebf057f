//! The domain's values as frames, and what frames ask as commands. The one place where names,
//! ids and sizes from the wire are checked.

use anser_domain::{
    Address, Change, ClientId, Command, Content, ConvId, GroupName, GroupRole, HistoryRange, Kind,
    LogEvent, MemberChange, Message, NewGroup, Outgoing, Payload, Protocol, Pull, Refusal, Seq,
    SyncToken, UserName,
};
use bytes::Bytes;

use crate::{
    codec::SendRef,
    frame::{self, Call},
    limits::{DEFAULT_PAGE, MAX_BODY, MAX_MEMBERS, MAX_MENTIONS, MAX_PAGE, MAX_PAYLOAD, MAX_TITLE},
};

/// Every role with its name in the specification and its number in frames.
pub const ROLES: [(GroupRole, &str, u8); 3] = [
    (GroupRole::Member, "member", 1),
    (GroupRole::Admin, "admin", 2),
    (GroupRole::Owner, "owner", 3),
];

/// The number of a role.
pub(crate) const fn role_number(role: GroupRole) -> u8 {
    match role {
        GroupRole::Member => 1,
        GroupRole::Admin => 2,
        GroupRole::Owner => 3,
    }
}

fn role(number: u32) -> Result<GroupRole, Refusal> {
    match number {
        0 | 1 => Ok(GroupRole::Member),
        2 => Ok(GroupRole::Admin),
        3 => Ok(GroupRole::Owner),
        _ => Err(Refusal::Invalid("role: there is no such role")),
    }
}

// — what frames ask —

/// A SEND as a command.
pub(crate) fn outgoing(send: &SendRef<'_>) -> Result<Outgoing, Refusal> {
    if send.body.len() > MAX_BODY {
        return Err(Refusal::TooLarge("body: at most 64 KiB"));
    }
    if send.payload.len() > MAX_PAYLOAD {
        return Err(Refusal::TooLarge("payload: at most 64 KiB"));
    }
    if send.mentions.len() > MAX_MENTIONS {
        return Err(Refusal::TooLarge("mentions: at most 256"));
    }
    let kind = match send.kind {
        0 => Some(Kind::Text),
        number => u8::try_from(number).ok().and_then(Kind::from_number),
    };
    let content = kind
        .and_then(|kind| Content::user_sent(kind, send.body.into()))
        .ok_or(Refusal::Invalid("kind: none that a client may send"))?;
    let payload = (!send.payload.is_empty()).then(|| Payload {
        protocol: Protocol::Native,
        bytes: Bytes::copy_from_slice(send.payload),
    });
    Ok(Outgoing {
        to: address(send.to)?,
        client_id: client_id(send.client_id)?,
        content,
        reply_to: (send.reply_to != 0).then_some(Seq(send.reply_to)),
        mentions: send.mentions.iter().map(|name| user(name)).collect::<Result<_, _>>()?,
        payload,
    })
}

/// A SYNC as a command.
pub(crate) fn sync(sync: &frame::Sync) -> Command {
    if sync.conv == 0 {
        Command::Changes { since: SyncToken(sync.since) }
    } else {
        Command::Pull(Pull {
            conv: ConvId(sync.conv),
            after: Some(Seq(sync.after)),
            limit: page_limit(sync.limit),
        })
    }
}

/// A REQUEST's call as a command.
pub(crate) fn command(call: Call) -> Result<Command, Refusal> {
    Ok(match call {
        Call::History(call) => Command::History { at: address(&call.at)?, range: range(&call)? },
        Call::Conversations(call) => Command::Conversations {
            before: call.before.map(SyncToken),
            limit: page_limit(call.limit),
        },
        Call::Read(call) => Command::Read { at: address(&call.at)?, seq: Seq(call.seq) },
        Call::CreateGroup(call) => Command::CreateGroup(Box::new(NewGroup {
            client_id: client_id(&call.client_id)?,
            name: group(&call.name)?,
            title: title(call.title)?,
            members: members(&call.members)?,
        })),
        Call::PutMembers(call) => Command::ChangeMembers(Box::new(Change {
            client_id: client_id(&call.client_id)?,
            group: group(&call.group)?,
            change: MemberChange::Put { users: members(&call.users)?, role: role(call.role)? },
        })),
        Call::RemoveMembers(call) => Command::ChangeMembers(Box::new(Change {
            client_id: client_id(&call.client_id)?,
            group: group(&call.group)?,
            change: MemberChange::Remove { users: members(&call.users)? },
        })),
        Call::Group(call) => Command::Group(group(&call.name)?),
        Call::Members(call) => Command::Members {
            group: group(&call.group)?,
            after: if call.after.is_empty() { None } else { Some(user(&call.after)?) },
            limit: page_limit(call.limit),
        },
        Call::Me(_) => Command::Me,
        Call::SetDisplayName(call) => Command::SetDisplayName(title(call.display_name)?),
        Call::User(call) => Command::User(user(&call.user)?),
        Call::Devices(_) => Command::Devices,
        Call::RemoveDevice(call) => Command::RemoveDevice(
            call.device.parse().map_err(|_| Refusal::Invalid("device: not a device's name"))?,
        ),
    })
}

fn range(call: &frame::HistoryCall) -> Result<HistoryRange, Refusal> {
    let limit = page_limit(call.limit);
    match (call.before, call.after) {
        (0, None) => Ok(HistoryRange::Latest { limit }),
        (0, Some(seq)) => Ok(HistoryRange::After { seq: Seq(seq), limit }),
        (seq, None) => Ok(HistoryRange::Before { seq: Seq(seq), limit }),
        _ => Err(Refusal::Invalid("before and after: at most one of them")),
    }
}

fn page_limit(limit: u32) -> u16 {
    match limit {
        0 => DEFAULT_PAGE,
        some => u16::try_from(some).unwrap_or(MAX_PAGE).min(MAX_PAGE),
    }
}

/// An address from the wire.
pub(crate) fn address(text: &str) -> Result<Address, Refusal> {
    text.parse().map_err(|_| Refusal::Invalid("address: u:USER or g:GROUP"))
}

fn user(text: &str) -> Result<UserName, Refusal> {
    UserName::new(text).map_err(|_| Refusal::Invalid("user: not a user's name"))
}

fn group(text: &str) -> Result<GroupName, Refusal> {
    GroupName::new(text).map_err(|_| Refusal::Invalid("group: not a group's name"))
}

fn members(names: &[String]) -> Result<Vec<UserName>, Refusal> {
    if names.len() > MAX_MEMBERS {
        return Err(Refusal::TooLarge("members: at most 1,000"));
    }
    names.iter().map(|name| user(name)).collect()
}

fn title(text: String) -> Result<Box<str>, Refusal> {
    if text.len() > MAX_TITLE {
        return Err(Refusal::TooLarge("name: at most 256 bytes"));
    }
    Ok(text.into())
}

fn client_id(bytes: &[u8]) -> Result<ClientId, Refusal> {
    bytes.try_into().map(ClientId).map_err(|_| Refusal::Invalid("client_id: 16 bytes"))
}

// — what frames tell —

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
    }
}

fn log_event(event: &LogEvent) -> frame::LogEvent {
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
    };
    frame::LogEvent { what: Some(what) }
}

fn membership(name: &UserName, role: GroupRole) -> frame::Membership {
    frame::Membership { user: name.to_string(), role: role_number(role).into() }
}

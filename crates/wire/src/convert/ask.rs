//! What frames ask, as commands. The one place where names, ids and sizes from the wire are
//! checked.

use anser_domain::{
    Act, Address, Change, ClientId, Command, Content, ConvId, GroupName, GroupRole, HistoryRange,
    Kind, MemberChange, NewGroup, Outgoing, Payload, Protocol, Pull, Refusal, Seq, SyncToken,
    UserName,
};
use bytes::Bytes;

use super::people;
use crate::{
    codec::SendRef,
    frame::{self, Call},
    limits::{DEFAULT_PAGE, MAX_BODY, MAX_MEMBERS, MAX_MENTIONS, MAX_PAGE, MAX_PAYLOAD, MAX_TITLE},
};

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
        reply_to: if send.reply_to == 0 { None } else { Some(seq(send.reply_to)?) },
        mentions: send.mentions.iter().map(|name| user(name)).collect::<Result<_, _>>()?,
        payload,
        mentions_all: send.mentions_all,
        forward: send
            .forward
            .as_ref()
            .map(|of| super::message::source(of.at, of.seq))
            .transpose()?,
    })
}

/// A SYNC as a command.
pub(crate) fn sync(sync: &frame::Sync) -> Result<Command, Refusal> {
    Ok(if sync.conv == 0 {
        Command::Changes { since: token(sync.since)? }
    } else {
        Command::Pull(Pull {
            conv: ConvId(number(sync.conv)?),
            after: Some(seq(sync.after)?),
            limit: page_limit(sync.limit),
        })
    })
}

/// A DELIVERACK as a command.
pub(crate) fn delivered(conv: u64, upto: u64) -> Result<Command, Refusal> {
    Ok(Command::Delivered { conv: ConvId(number(conv)?), seq: seq(upto)? })
}

/// A REQUEST's call as a command.
pub(crate) fn command(call: Call) -> Result<Command, Refusal> {
    if let Some(command) = people::command(&call) {
        return command.map(|command| Command::People(Box::new(command)));
    }
    let call = match super::group::command(call)? {
        Ok(command) => return Ok(command),
        Err(other) => other,
    };
    Ok(match call {
        Call::History(call) => Command::History { at: address(&call.at)?, range: range(&call)? },
        Call::Conversations(call) => Command::Conversations {
            before: call.before.map(token).transpose()?,
            limit: page_limit(call.limit),
        },
        Call::Read(call) => Command::Read { at: address(&call.at)?, seq: seq(call.seq)? },
        Call::CreateGroup(call) => Command::CreateGroup(Box::new(NewGroup {
            client_id: client_id(&call.client_id)?,
            name: group(&call.name)?,
            kind: super::group::kind(call.kind)?,
            title: title(call.title)?,
            members: members(&call.members)?,
        })),
        Call::PutMembers(call) => Command::Change(Box::new(Change {
            client_id: client_id(&call.client_id)?,
            at: Address::Group(group(&call.group)?),
            act: Act::Members(MemberChange::Put {
                users: members(&call.users)?,
                role: role(call.role)?,
            }),
        })),
        Call::RemoveMembers(call) => Command::Change(Box::new(Change {
            client_id: client_id(&call.client_id)?,
            at: Address::Group(group(&call.group)?),
            act: Act::Members(MemberChange::Remove { users: members(&call.users)? }),
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
        // Taken above.
        Call::Items(_)
        | Call::Item(_)
        | Call::PutItem(_)
        | Call::Friends(_)
        | Call::FriendRequests(_)
        | Call::RequestFriend(_)
        | Call::AnswerRequest(_)
        | Call::WithdrawRequest(_)
        | Call::EditFriend(_)
        | Call::RemoveFriend(_)
        | Call::Blocks(_)
        | Call::Block(_)
        | Call::FindUsers(_)
        | Call::EditProfile(_) => return Err(Refusal::Invalid("call: not one of these")),
        Call::RemoveDevice(call) => Command::RemoveDevice(
            call.device.parse().map_err(|_| Refusal::Invalid("device: not a device's name"))?,
        ),
        call @ (Call::Recall(_)
        | Call::Edit(_)
        | Call::React(_)
        | Call::Pin(_)
        | Call::DeleteForMe(_)
        | Call::ClearForMe(_)
        | Call::Keep(_)
        | Call::Reactors(_)
        | Call::Pins(_)
        | Call::Receipts(_)
        | Call::Search(_)) => super::message::command(call)?,
        Call::File(call) => Command::Files(super::file::command(&call)?),
        _ => return Err(Refusal::Invalid("call: none that this server knows")),
    })
}

fn range(call: &frame::HistoryCall) -> Result<HistoryRange, Refusal> {
    let limit = page_limit(call.limit);
    match (call.before, call.after) {
        (0, None) => Ok(HistoryRange::Latest { limit }),
        (0, Some(after)) => Ok(HistoryRange::After { seq: seq(after)?, limit }),
        (before, None) => Ok(HistoryRange::Before { seq: seq(before)?, limit }),
        _ => Err(Refusal::Invalid("before and after: at most one of them")),
    }
}

pub(super) fn page_limit(limit: u32) -> u16 {
    match limit {
        0 => DEFAULT_PAGE,
        some => u16::try_from(some).unwrap_or(MAX_PAGE).min(MAX_PAGE),
    }
}

/// Places and keys count in 63 bits, as stores do.
pub(super) fn number(number: u64) -> Result<u64, Refusal> {
    if i64::try_from(number).is_ok() {
        Ok(number)
    } else {
        Err(Refusal::Invalid("a number is too large"))
    }
}

pub(super) fn seq(place: u64) -> Result<Seq, Refusal> {
    number(place).map(Seq)
}

/// A sync token from the wire.
pub(crate) fn token(token: u64) -> Result<SyncToken, Refusal> {
    number(token).map(SyncToken)
}

/// An address from the wire.
pub(crate) fn address(text: &str) -> Result<Address, Refusal> {
    text.parse().map_err(|_| Refusal::Invalid("address: u:USER or g:GROUP"))
}

pub(super) fn user(text: &str) -> Result<UserName, Refusal> {
    UserName::new(text).map_err(|_| Refusal::Invalid("user: not a user's name"))
}

pub(super) fn group(text: &str) -> Result<GroupName, Refusal> {
    GroupName::new(text).map_err(|_| Refusal::Invalid("group: not a group's name"))
}

pub(super) fn members(names: &[String]) -> Result<Vec<UserName>, Refusal> {
    if names.len() > MAX_MEMBERS {
        return Err(Refusal::TooLarge("members: at most 1,000"));
    }
    names.iter().map(|name| user(name)).collect()
}

pub(super) fn title(text: String) -> Result<Box<str>, Refusal> {
    if text.len() > MAX_TITLE {
        return Err(Refusal::TooLarge("name: at most 256 bytes"));
    }
    Ok(text.into())
}

pub(super) fn client_id(bytes: &[u8]) -> Result<ClientId, Refusal> {
    bytes.try_into().map(ClientId).map_err(|_| Refusal::Invalid("client_id: 16 bytes"))
}

fn role(number: u32) -> Result<GroupRole, Refusal> {
    match number {
        0 | 1 => Ok(GroupRole::Member),
        2 => Ok(GroupRole::Admin),
        3 => Ok(GroupRole::Owner),
        _ => Err(Refusal::Invalid("role: there is no such role")),
    }
}

pub(super) fn boxed(text: Option<&String>) -> Option<Box<str>> {
    text.map(|text| text.as_str().into())
}

//! DELIVER: an entry of a conversation's log.

use super::{
    group::{Dissolved, Mute, Policy, ProfilePatch},
    message::{Edit, Marks, Pin, React, Target},
    schema::{choice, message},
};

message! {
    /// An entry of a conversation's log. Live or catching up, a link gets the entries of one
    /// conversation in the order of `seq`, without a gap. Also the entries of a page.
    pub struct Deliver {
        /// The conversation's number: what DELIVERACK names. Absent inside a page.
        conv: u64 [uint64] = 1,
        /// The conversation from the receiver's side: `u:{user}` or `g:{group}`. Absent inside
        /// a page.
        at: String [string] = 2,
        /// The place in the conversation's log: 1, 2, 3 … without a gap.
        seq: u64 [uint64] = 3,
        /// How many messages, events aside, the log has up to here.
        ord: u64 [uint64] = 4,
        /// The global id.
        message_id: u64 [fixed64] = 5,
        /// Who sent it, or caused the event.
        sender: String [string] = 6,
        /// The 16 bytes that its sender chose.
        client_id: Vec<u8> [bytes = "vec"] = 7,
        /// When it was stored, in milliseconds since 1970-01-01T00:00:00Z.
        ts: i64 [int64] = 8,
        /// The kind (see *Kinds*).
        kind: u32 [uint32] = 9,
        /// The text, or the JSON of other kinds. Absent for events.
        body: String [string] = 10,
        /// The seq of the entry that this answers; 0: none.
        reply_to: u64 [uint64] = 11,
        /// Users that are called by name.
        mentions: Vec<String> [string, repeated] = 12,
        /// What happened, for kind event.
        event: Option<LogEvent> [message, optional] (LogEvent) = 13,
        /// Bytes for native clients only, as they were sent.
        payload: Vec<u8> [bytes = "vec"] = 14,
        /// What else there is to it, for the few that have something.
        marks: Option<Marks> [message, optional] (Marks) = 15,
    }

    /// Something that happened in a conversation and takes a place in its log.
    pub struct LogEvent {
        ; what: Happening ["Happening" = "1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13"]
    }

    /// Members of a group, and their standing.
    pub struct MemberList {
        /// Who. For a group's making, the owner first.
        members: Vec<Membership> [message, repeated] (Membership) = 1,
    }

    /// Names without a standing.
    pub struct NameList {
        /// Who.
        users: Vec<String> [string, repeated] = 1,
    }

    /// One member.
    pub struct Membership {
        /// Name.
        user: String [string] = 1,
        /// Standing (see *Roles*).
        role: u32 [uint32] = 2,
    }
}

choice! {
    /// What happened. An event of a number that the client does not know has none of these.
    pub enum Happening {
        /// The group was made, with these first members.
        created: Created(MemberList) = 1,
        /// These came in, or changed their standing.
        joined: Joined(MemberList) = 2,
        /// These were taken out, or left when the only name is the sender's.
        removed: Removed(NameList) = 3,
        /// The group says something else of itself: what changed.
        profile: Profile(ProfilePatch) = 4,
        /// Others may do other things: what changed.
        policy: Policy(Policy) = 5,
        /// Someone may not write for a time, or may again.
        muted: Muted(Mute) = 6,
        /// The group has ended. Its last entry.
        dissolved: Dissolved(Dissolved) = 7,
        /// A message was taken back.
        recalled: Recalled(Target) = 10,
        /// A message says something else now.
        edited: Edited(Edit) = 11,
        /// A reaction was given or taken back.
        reacted: Reacted(React) = 12,
        /// A message was pinned, or its pin taken off.
        pinned: Pinned(Pin) = 13,
    }
}

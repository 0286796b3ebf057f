//! RESPONSE: the answer to a REQUEST.

use super::{
    changes::ChangeSet,
    group::{Asked, Groups, Invitations, Policy, WaitingList},
    message::{Found, Pins, Reactors, Receipts},
    page::Log,
    people::{Blocks, Friend, FriendRequest, FriendRequests, Friends, Item, Items, Seen, Users},
    schema::{choice, message},
};

message! {
    /// Answers REQUEST.
    pub struct Response {
        /// The id of the REQUEST.
        id: u32 [uint32] = 1,
        ; answer: Answer ["Answer" = "2, 3, 4, 5, 6, 7, 8, 9, 20, 21, 22, 23, 42, 43, 44, 45, 50, 51, 52, 53, 54, 55, 56, 57, 65"]
    }

    /// Done, with nothing to tell.
    pub struct Done {}

    /// The log entry that a change made.
    pub struct Stored {
        /// The conversation's number.
        conv: u64 [uint64] = 1,
        /// Its place there.
        seq: u64 [uint64] = 2,
        /// Its global id.
        message_id: u64 [fixed64] = 3,
        /// When it was stored, in milliseconds since 1970-01-01T00:00:00Z.
        ts: i64 [int64] = 4,
        /// The same client id had been stored before; this is where.
        duplicate: bool [bool] = 5,
    }

    /// What the caller may see of a group.
    pub struct Group {
        /// Its name.
        name: String [string] = 1,
        /// The name that people read; may be empty.
        title: String [string] = 2,
        /// How many members it has.
        members: u32 [uint32] = 3,
        /// When it was made, in milliseconds since 1970-01-01T00:00:00Z.
        created: i64 [int64] = 4,
        /// The caller's standing (see *Roles*); 0: they are not in it.
        role: u32 [uint32] = 5,
        /// 1: a group, 2: a channel.
        kind: u32 [uint32] = 6,
        /// What it is about; may be empty.
        description: String [string] = 7,
        /// Its picture; may be empty.
        avatar: String [string] = 8,
        /// What everybody should know now; may be empty. For members only.
        announcement: String [string] = 9,
        /// Who may do what.
        policy: Option<Policy> [message, optional] (Policy) = 10,
        /// The caller may not write before this time; 0: they may.
        muted: i64 [int64] = 11,
    }

    /// Part of a group's member list, by name.
    pub struct Members {
        /// Members.
        members: Vec<super::deliver::Membership> [message, repeated]
            (super::deliver::Membership) = 1,
        /// Another page follows: ask for those after the last name.
        more: bool [bool] = 2,
    }

    /// A user.
    pub struct User {
        /// The name that addresses them.
        user: String [string] = 1,
        /// The name that people read; may be empty.
        display_name: String [string] = 2,
        /// They run the server.
        admin: bool [bool] = 3,
        /// They are shut out.
        disabled: bool [bool] = 4,
        /// A URL, or the id of a file; empty: none.
        avatar: String [string] = 50,
        /// What they say of themselves.
        about: String [string] = 51,
        /// A JSON object of the app's own; empty: none, or not for the caller.
        fields: String [string] = 52,
        /// Whether they are there; absent: not for the caller.
        presence: Option<Seen> [message, optional] (Seen) = 53,
    }

    /// The caller's devices.
    pub struct Devices {
        /// One row each.
        devices: Vec<Device> [message, repeated] (Device) = 1,
    }

    /// A device.
    pub struct Device {
        /// Its name.
        device: String [string] = 1,
        /// When it first signed in, in milliseconds since 1970-01-01T00:00:00Z.
        created: i64 [int64] = 2,
        /// When it was last linked.
        seen: i64 [int64] = 3,
        /// Whether it has a link now.
        online: bool [bool] = 4,
    }
}

choice! {
    /// What is answered.
    pub enum Answer {
        /// Done.
        done: Done(Done) = 2,
        /// Part of a log.
        log: Log(Log) = 3,
        /// Part of the conversation list.
        conversations: Conversations(ChangeSet) = 4,
        /// Where a change came to stand.
        sent: Sent(Stored) = 5,
        /// A group.
        group: Group(Group) = 6,
        /// Part of a member list.
        members: Members(Members) = 7,
        /// A user.
        user: User(User) = 8,
        /// Devices.
        devices: Devices(Devices) = 9,
        /// Part of the list of who reacted.
        reactors: Reactors(Reactors) = 42,
        /// Pinned messages.
        pins: Pins(Pins) = 43,
        /// Who has a message.
        receipts: Receipts(Receipts) = 44,
        /// Messages that were found.
        found: Found(Found) = 45,
        /// Items.
        items: Items(Items) = 50,
        /// An item.
        item: Item(Item) = 51,
        /// Friends.
        friends: Friends(Friends) = 52,
        /// A friend.
        friend: Friend(Friend) = 53,
        /// Friend requests.
        requests: Requests(FriendRequests) = 54,
        /// A friend request.
        request: Request(FriendRequest) = 55,
        /// Blocks.
        blocks: Blocks(Blocks) = 56,
        /// Users that were found.
        users: Users(Users) = 57,
        /// A file.
        file: File(super::file::File) = 65,
        /// Part of the caller's groups.
        groups: Groups(Groups) = 20,
        /// Part of those who are to come in.
        waiting: Waiting(WaitingList) = 21,
        /// Part of the caller's invitations.
        invitations: Invitations(Invitations) = 22,
        /// An admin will decide.
        asked: Asked(Asked) = 23,
    }
}

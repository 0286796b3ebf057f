//! What groups are, how they change, and who is to come in: parts of REQUEST, RESPONSE and
//! DELIVER.

use super::{response::Group, schema::message};

message! {
    /// What a group says of itself: what is absent stays as it was, an empty text goes.
    pub struct ProfilePatch {
        /// The name that people read. At most 256 bytes.
        title: Option<String> [optional, string] = 1,
        /// What it is about. At most 1,024 bytes.
        description: Option<String> [optional, string] = 2,
        /// A picture: the id of a file, or a public http(s) address. At most 2,048 bytes.
        avatar: Option<String> [optional, string] = 3,
        /// What everybody should know now. At most 4,096 bytes.
        announcement: Option<String> [optional, string] = 4,
    }

    /// Who may do what in a group (see *Policies*). In a change, 0 and what is absent stay as they
    /// were.
    pub struct Policy {
        /// How people come in: 1 open, 2 approval, 3 invite.
        join: u32 [uint32] = 1,
        /// Who invites: 1 members, 2 admins.
        invite: u32 [uint32] = 2,
        /// Who writes.
        post: u32 [uint32] = 3,
        /// Who pins entries.
        pin: u32 [uint32] = 4,
        /// Who changes the profile.
        edit: u32 [uint32] = 5,
        /// Strangers are not told that it exists.
        hidden: Option<bool> [optional, bool] = 6,
    }

    /// Someone may not write for a time, or may again.
    pub struct Mute {
        /// Who.
        user: String [string] = 1,
        /// Until when, in milliseconds since 1970-01-01T00:00:00Z; a time past: they may write.
        until: i64 [int64] = 2,
    }

    /// The group has ended.
    pub struct Dissolved {}

    /// Changes what a group says of itself.
    pub struct ProfileCall {
        /// 16 bytes, a UUIDv7.
        client_id: Vec<u8> [bytes = "vec"] = 1,
        /// The group's name.
        group: String [string] = 2,
        /// What changes.
        patch: Option<ProfilePatch> [message, optional] (ProfilePatch) = 3,
    }

    /// Changes who may do what in a group.
    pub struct PolicyCall {
        /// 16 bytes, a UUIDv7.
        client_id: Vec<u8> [bytes = "vec"] = 1,
        /// The group's name.
        group: String [string] = 2,
        /// What changes.
        policy: Option<Policy> [message, optional] (Policy) = 3,
    }

    /// Keeps a member from writing until a time, or lets them write again.
    pub struct MuteCall {
        /// 16 bytes, a UUIDv7.
        client_id: Vec<u8> [bytes = "vec"] = 1,
        /// The group's name.
        group: String [string] = 2,
        /// Who, and until when.
        mute: Option<Mute> [message, optional] (Mute) = 3,
    }

    /// Ends a group: nobody is a member any more, and its name is never given again.
    pub struct DissolveCall {
        /// 16 bytes, a UUIDv7.
        client_id: Vec<u8> [bytes = "vec"] = 1,
        /// The group's name.
        group: String [string] = 2,
    }

    /// The caller wants to come in, or takes up an invitation.
    pub struct JoinCall {
        /// 16 bytes, a UUIDv7.
        client_id: Vec<u8> [bytes = "vec"] = 1,
        /// The group's name.
        group: String [string] = 2,
        /// What the admins are told where they decide. At most 512 bytes.
        message: String [string] = 3,
    }

    /// Lets in someone who asks to come in.
    pub struct ApproveCall {
        /// 16 bytes, a UUIDv7.
        client_id: Vec<u8> [bytes = "vec"] = 1,
        /// The group's name.
        group: String [string] = 2,
        /// Who.
        user: String [string] = 3,
    }

    /// The caller leaves.
    pub struct LeaveCall {
        /// 16 bytes, a UUIDv7.
        client_id: Vec<u8> [bytes = "vec"] = 1,
        /// The group's name.
        group: String [string] = 2,
    }

    /// The groups that the caller is in, by name.
    pub struct GroupsCall {
        /// Continue after this name; empty: from the first.
        after: String [string] = 1,
        /// At most so many; 0: as the server likes.
        limit: u32 [uint32] = 2,
    }

    /// Invites users: all or nobody.
    pub struct InviteCall {
        /// The group's name.
        group: String [string] = 1,
        /// Whom. At most 1,000.
        users: Vec<String> [string, repeated] = 2,
    }

    /// Takes an invitation back, or refuses a request.
    pub struct DismissCall {
        /// The group's name.
        group: String [string] = 1,
        /// Whose.
        user: String [string] = 2,
    }

    /// Users who are invited to a group, or ask to come in, by name.
    pub struct WaitingCall {
        /// The group's name.
        group: String [string] = 1,
        /// Continue after this name; empty: from the first.
        after: String [string] = 2,
        /// At most so many; 0: as the server likes.
        limit: u32 [uint32] = 3,
    }

    /// The caller's invitations, by group.
    pub struct InvitationsCall {
        /// Continue after this group's name; empty: from the first.
        after: String [string] = 1,
        /// At most so many; 0: as the server likes.
        limit: u32 [uint32] = 2,
    }

    /// The caller does not take up an invitation, or no longer asks to come in.
    pub struct RetractCall {
        /// The group's name.
        group: String [string] = 1,
        /// It is the request that goes, and not the invitation.
        request: bool [bool] = 2,
    }

    /// Part of the caller's groups.
    pub struct Groups {
        /// By name.
        groups: Vec<Group> [message, repeated] (Group) = 1,
        /// Another page follows: ask for those after the last name.
        more: bool [bool] = 2,
    }

    /// Part of those who are invited, or ask to come in.
    pub struct WaitingList {
        /// By name.
        users: Vec<Waiting> [message, repeated] (Waiting) = 1,
        /// Another page follows: ask for those after the last name.
        more: bool [bool] = 2,
    }

    /// Someone who may become a member.
    pub struct Waiting {
        /// Who.
        user: String [string] = 1,
        /// Who invited them; themselves when they ask.
        by: String [string] = 2,
        /// What they say.
        message: String [string] = 3,
        /// Since when, in milliseconds since 1970-01-01T00:00:00Z.
        since: i64 [int64] = 4,
        /// Until when it counts.
        until: i64 [int64] = 5,
    }

    /// Part of the caller's invitations.
    pub struct Invitations {
        /// By group.
        invitations: Vec<Invitation> [message, repeated] (Invitation) = 1,
        /// Another page follows: ask for those after the last group's name.
        more: bool [bool] = 2,
    }

    /// An invitation.
    pub struct Invitation {
        /// To what.
        group: Option<Group> [message, optional] (Group) = 1,
        /// Who invited the caller.
        by: String [string] = 2,
        /// When, in milliseconds since 1970-01-01T00:00:00Z.
        since: i64 [int64] = 3,
        /// Until when it counts.
        until: i64 [int64] = 4,
    }

    /// An admin will decide.
    pub struct Asked {}
}

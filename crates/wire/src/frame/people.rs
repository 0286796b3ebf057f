//! People and their own things: what is asked, answered and told of them.

use super::schema::message;

message! {
    /// Something of the receiver's own has changed that stands in no log: read it since the
    /// token that was read last. WELCOME's `personal` tells the same to a link that was away.
    pub struct Changed {
        /// What (see *Subjects*).
        subject: u32 [uint32] = 1,
        /// The change, as a sync token.
        at: u64 [uint64] = 2,
    }

    /// Part of a list of the caller's own, by version.
    pub struct ListCall {
        /// Only what changed after this token.
        after: u64 [uint64] = 1,
        /// What has gone too, so that a copy of the list can be brought up to date. Of requests:
        /// those that wait no more.
        gone: bool [bool] = 2,
        /// At most so many; 0: as the server likes.
        limit: u32 [uint32] = 3,
    }

    /// The caller's items whose keys begin so.
    pub struct ItemsCall {
        /// The beginning; empty: all.
        prefix: String [string] = 1,
        /// Which part.
        list: Option<ListCall> [message, optional] (ListCall) = 2,
    }

    /// One of the caller's items.
    pub struct ItemCall {
        /// Which.
        key: String [string] = 1,
    }

    /// Sets or removes one of the caller's items.
    pub struct PutItemCall {
        /// Which: 1 to 256 bytes.
        key: String [string] = 1,
        /// JSON, at most 64 KiB; absent: removes it.
        value: Option<String> [optional, string] = 2,
        /// The version that it must have, or `version_mismatch`; 0: it must not be there.
        /// Absent: whatever there is.
        expected: Option<u64> [optional, uint64] = 3,
    }

    /// Asks someone to be a friend.
    pub struct RequestFriendCall {
        /// Whom.
        user: String [string] = 1,
        /// What to say. At most 512 bytes.
        message: String [string] = 2,
    }

    /// Answers a friend request to the caller.
    pub struct AnswerRequestCall {
        /// Which.
        request: u64 [fixed64] = 1,
        /// Whether to be friends.
        accept: bool [bool] = 2,
    }

    /// Takes back a friend request of the caller's own.
    pub struct WithdrawRequestCall {
        /// Which.
        request: u64 [fixed64] = 1,
    }

    /// What the caller calls a friend and keeps them in.
    pub struct EditFriendCall {
        /// Whom.
        user: String [string] = 1,
        /// At most 256 bytes. Absent: as it was.
        remark: Option<String> [optional, string] = 2,
        /// Absent: as they were.
        lists: Option<Lists> [message, optional] (Lists) = 3,
    }

    /// Lists of friends.
    pub struct Lists {
        /// Their names: at most 16 of at most 64 bytes.
        names: Vec<String> [string, repeated] = 1,
    }

    /// Ends a friendship, for both.
    pub struct RemoveFriendCall {
        /// Whom.
        user: String [string] = 1,
    }

    /// Blocks someone, or lets them be again.
    pub struct BlockCall {
        /// Whom.
        user: String [string] = 1,
        /// Whether to block.
        blocked: bool [bool] = 2,
    }

    /// Finds users by their names.
    pub struct FindUsersCall {
        /// Words, or beginnings of words, that all have to be in the names.
        query: String [string] = 1,
        /// Continue after this name; empty: from the first.
        after: String [string] = 2,
        /// At most so many; 0: as the server likes.
        limit: u32 [uint32] = 3,
    }

    /// Changes the caller's profile; what is absent stays.
    pub struct EditProfileCall {
        /// The name that people read.
        display_name: Option<String> [optional, string] = 1,
        /// A URL, or the id of a file; empty: none.
        avatar: Option<String> [optional, string] = 2,
        /// What they say of themselves.
        about: Option<String> [optional, string] = 3,
        /// A JSON object, at most 8 KiB; empty: none.
        fields: Option<String> [optional, string] = 4,
    }

    /// Part of the caller's items.
    pub struct Items {
        /// One row each, by version.
        items: Vec<Item> [message, repeated] (Item) = 1,
        /// Everything up to here is in this page or an earlier one.
        token: u64 [uint64] = 2,
        /// Another page follows: ask for what is after the token.
        more: bool [bool] = 3,
    }

    /// A small value of a user's own.
    pub struct Item {
        /// Its name.
        key: String [string] = 1,
        /// JSON; absent: it was removed.
        value: Option<String> [optional, string] = 2,
        /// Its last change.
        version: u64 [uint64] = 3,
    }

    /// Part of the caller's list of friends.
    pub struct Friends {
        /// One row each, by version.
        friends: Vec<Friend> [message, repeated] (Friend) = 1,
        /// Everything up to here is in this page or an earlier one.
        token: u64 [uint64] = 2,
        /// Another page follows: ask for what is after the token.
        more: bool [bool] = 3,
    }

    /// Someone in the caller's list of friends.
    pub struct Friend {
        /// Their name.
        user: String [string] = 1,
        /// The name that people read; may be empty.
        display_name: String [string] = 2,
        /// What the caller calls them. Nobody else sees it.
        remark: String [string] = 3,
        /// Lists that the caller keeps them in. Nobody else sees them.
        lists: Vec<String> [string, repeated] = 4,
        /// Since when, in milliseconds since 1970-01-01T00:00:00Z.
        since: i64 [int64] = 5,
        /// Whether they are there; absent: they do not let it be seen.
        presence: Option<Seen> [message, optional] (Seen) = 6,
        /// They are a friend no more.
        gone: bool [bool] = 7,
        /// The last change of this row.
        version: u64 [uint64] = 8,
    }

    /// Whether someone is there.
    pub struct Seen {
        /// Whether any of their devices has a link.
        online: bool [bool] = 1,
        /// When one last came or went, in milliseconds since 1970-01-01T00:00:00Z.
        last: i64 [int64] = 2,
    }

    /// Part of the friend requests from and to the caller.
    pub struct FriendRequests {
        /// One row each, by version.
        requests: Vec<FriendRequest> [message, repeated] (FriendRequest) = 1,
        /// Everything up to here is in this page or an earlier one.
        token: u64 [uint64] = 2,
        /// Another page follows: ask for what is after the token.
        more: bool [bool] = 3,
    }

    /// Someone's wish to be someone's friend.
    pub struct FriendRequest {
        /// Its key.
        request: u64 [fixed64] = 1,
        /// Who asks.
        from: String [string] = 2,
        /// Whom.
        to: String [string] = 3,
        /// What they say.
        message: String [string] = 4,
        /// What came of it (see *Requests*).
        state: u32 [uint32] = 5,
        /// When it was made, in milliseconds since 1970-01-01T00:00:00Z.
        created: i64 [int64] = 6,
        /// Its last change.
        version: u64 [uint64] = 7,
    }

    /// Part of those whom the caller blocks.
    pub struct Blocks {
        /// One row each, by version.
        blocks: Vec<Blocked> [message, repeated] (Blocked) = 1,
        /// Everything up to here is in this page or an earlier one.
        token: u64 [uint64] = 2,
        /// Another page follows: ask for what is after the token.
        more: bool [bool] = 3,
    }

    /// Someone whom the caller blocks.
    pub struct Blocked {
        /// Their name.
        user: String [string] = 1,
        /// Since when, in milliseconds since 1970-01-01T00:00:00Z.
        since: i64 [int64] = 2,
        /// They are blocked no more.
        gone: bool [bool] = 3,
        /// The last change of this row.
        version: u64 [uint64] = 4,
    }

    /// Users that were found, by name.
    pub struct Users {
        /// Their names; the rest of a profile is asked for one by one.
        users: Vec<super::response::User> [message, repeated] (super::response::User) = 1,
    }
}

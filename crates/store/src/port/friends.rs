//! Who is whose friend, who asks to be, who blocks whom, and who is found.

use anser_domain::{
    BlockPage, DeviceId, Friend, FriendRequest, Listing, Millis, RequestId, RequestPage, Subject,
    SyncToken, UserId, UserName,
};
use async_trait::async_trait;

use super::{StoreError, UserRow};

/// A user whose own things have changed, so that their devices are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// Whose.
    pub user: UserId,
    /// What of theirs.
    pub subject: Subject,
    /// The change.
    pub at: SyncToken,
}

/// A friend, with what only the server knows of them.
#[derive(Clone, Debug)]
pub struct FriendRow {
    /// Their key.
    pub id: UserId,
    /// Whether they let friends see when they are there.
    pub shows: bool,
    /// When a device of theirs last came or went.
    pub seen: Millis,
    /// What the user sees; the presence is left to the caller.
    pub friend: Friend,
}

/// A page of friends, by version.
#[derive(Clone, Debug)]
pub struct FriendRows {
    /// The friends.
    pub rows: Vec<FriendRow>,
    /// Everything up to here is in this page or an earlier one.
    pub token: SyncToken,
    /// Whether another page follows.
    pub more: bool,
}

/// Someone whom a user's coming and going concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watcher {
    /// Their key.
    pub id: UserId,
    /// Their name.
    pub name: UserName,
    /// Whether they let friends see when they are there.
    pub shows: bool,
}

/// What a friend request came to.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The request.
    pub request: FriendRequest,
    /// The other side.
    pub other: UserId,
    /// Whose devices are to be told.
    pub told: Vec<Told>,
}

/// How one user stands to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relation {
    /// They are friends.
    pub friends: bool,
    /// The first blocks the second.
    pub blocks: bool,
    /// The second blocks the first.
    pub blocked: bool,
}

/// Users among users. Whatever decides who may write to whom raises the `acl_version` of the
/// direct conversation of the two, if there is one, in the same transaction.
#[async_trait]
pub trait Friends: Send + Sync + 'static {
    /// A page of a user's friends, by version.
    async fn friends(&self, user: UserId, listing: Listing) -> Result<FriendRows, StoreError>;

    /// Those who see a user come and go and are seen by them: their friends, at most `limit`,
    /// and whether the user lets it be seen.
    async fn watchers(&self, user: UserId, limit: u16) -> Result<(bool, Vec<Watcher>), StoreError>;

    /// How a user stands to another.
    async fn relation(&self, user: UserId, other: UserId) -> Result<Relation, StoreError>;

    /// Makes two users friends without asking either. Once they are, it changes nothing.
    async fn befriend(&self, one: UserId, other: UserId) -> Result<Vec<Told>, StoreError>;

    /// Changes what a user says of a friend. `NoSuch` when they are none.
    async fn edit_friend(
        &self,
        user: UserId,
        friend: &UserName,
        remark: Option<Box<str>>,
        lists: Option<Vec<Box<str>>>,
    ) -> Result<(FriendRow, Vec<Told>), StoreError>;

    /// Ends a friendship, for both. `NoSuch` when there is none.
    async fn unfriend(
        &self,
        user: UserId,
        friend: &UserName,
    ) -> Result<(UserId, Vec<Told>), StoreError>;

    /// A page of the requests from and to a user, by version. Without what has gone: those that
    /// wait for an answer.
    async fn requests(&self, user: UserId, listing: Listing) -> Result<RequestPage, StoreError>;

    /// Asks someone to be a friend. One that crosses another makes friends; one like another that
    /// waits is that other. `Forbidden` when one of the two blocks the other.
    async fn request(
        &self,
        user: UserId,
        other: &UserName,
        message: Box<str>,
    ) -> Result<Asked, StoreError>;

    /// Answers a request to `user`. `NoSuch` unless it waits for that.
    async fn answer(
        &self,
        user: UserId,
        request: RequestId,
        accept: bool,
    ) -> Result<Asked, StoreError>;

    /// Takes back a request of `user`'s own. `NoSuch` unless it waits for an answer.
    async fn withdraw(&self, user: UserId, request: RequestId) -> Result<Asked, StoreError>;

    /// A page of those whom a user blocks, by version.
    async fn blocks(&self, user: UserId, listing: Listing) -> Result<BlockPage, StoreError>;

    /// Blocks someone, which ends their friendship and the requests between them; or lets them be
    /// again. What is so already stays as it is.
    async fn block(
        &self,
        user: UserId,
        other: &UserName,
        blocked: bool,
    ) -> Result<(UserId, Vec<Told>), StoreError>;

    /// Users who have a word that begins with each of `words`, by name. Not those who are
    /// disabled, block `viewer` or do not want to be found.
    async fn users_by_words(
        &self,
        viewer: UserId,
        words: Vec<String>,
        after: Option<&UserName>,
        limit: u16,
    ) -> Result<Vec<UserRow>, StoreError>;

    /// When a device of a user's last came or went.
    async fn seen(&self, user: UserId) -> Result<Millis, StoreError>;

    /// A device's link has gone.
    async fn left(&self, device: DeviceId, now: Millis) -> Result<(), StoreError>;
}

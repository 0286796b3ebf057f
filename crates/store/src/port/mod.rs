//! The two ports, and the values that cross them.

mod admin;
mod files;
mod follow;
mod friends;
mod groups;
mod items;
mod log;
mod members;
mod messages;
mod moving;
mod people;
mod profiles;
mod push;
mod routes;
mod ruling;
mod store;

pub(crate) use admin::NO_WEBHOOK;
pub use admin::{AdminChange, Administration, DeadRow, Note, WebhookRow};
pub use files::{FileBounds, Files, FilesBefore, MAX_CARRIED, carried};
pub use follow::{Fact, FactKind, Follow, Happened, ID_COUNTER_BITS, Lease, NewFact, Tail};
pub use friends::{Asked, FriendRow, FriendRows, Friends, Relation, Told, Watcher};
pub use groups::{Check, Groups, Side};
pub use items::{Items, NewItem};
pub use log::{
    Acl, Append, Appended, Bond, ConversationKind, Entry, Gate, ListPage, Outcome, PullFor,
    ReadMoved, ReceiptMoved,
};
pub use members::Members;
pub(crate) use messages::NO_MESSAGE;
pub use messages::{KeepMoved, Messages};
pub use moving::{EntryRecord, GroupRecord, Moving, MovingPlace, Place, Record, UserRecord};
pub use people::{
    Device, DeviceSession, NewDevice, NewUserRow, Revocation, ScramKeys, SigningKey, UserChange,
    UserRow,
};
pub use profiles::{Profiles, Refaced};
pub use push::{NewPush, PushDevice, PushOwed, PushPage, PushSettled, Pushes};
pub use routes::{Registered, Registration, Route, RouteTable, Routes, RoutesError};
pub use ruling::{Ruling, Words};
pub use store::{Store, StoreError, StoreStats};

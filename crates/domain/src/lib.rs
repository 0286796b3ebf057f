//! The words Anser is written in: ids, names, messages, commands, replies, events, refusals, and
//! the small traits at which the crates meet.
//!
//! Everything here is a value or an interface. There is no algorithm but the cutting of words, no IO, no serialisation:
//! bytes, rows and JSON are converted at the edges that speak them.
//!
//! ```text
//!  bytes ─► Session ─► Ask { Command } ─► SessionManager ─► Store       (CM → SM)
//!  bytes ◄─ Session ◄─ Reply, Event    ◄─ Replies, Links ◄──┘           (SM → CM)
//! ```

mod account;
mod address;
mod admin;
mod ask;
mod clock;
mod command;
mod entry;
mod event;
mod file;
mod group;
mod id;
mod message;
mod messages;
mod name;
mod notice;
mod outbox;
mod outside;
mod people;
mod port;
mod push;
mod refusal;
mod reply;
mod session;
mod topic;
mod words;

pub use account::{Actor, Caller, Credential, Profile, Role, Secret, Tokens};
pub use address::{Address, AddressError};
pub use admin::{
    AdminAct, AdminCommand, AdminGroup, AdminReply, AdminUser, ApiKey, AuditEntry, Ban, DeadLetter,
    Landed, PutWebhook, Scope, Statistics, Webhook,
};
pub use ask::{Ask, ReplyTo, Tag, Via};
pub use clock::{Clock, ManualClock, SystemClock};
pub use command::{
    Act, Change, Command, HistoryRange, Login, MemberChange, NewGroup, NewUser, Outgoing, Pull,
    SignIn, Source,
};
pub use entry::{EntryChange, Gone, MAX_REACTION, Marks, Origin, Reaction};
pub use event::{
    Changed, Delivery, Encoded, Event, EventClass, Presence, Protocol, Receipt, Subject, Typing,
};
pub use file::{
    FileCommand, FileContent, FileName, FilePage, FileRecord, FileReply, FileState, Found,
    MAX_FILE_NAME, MAX_MEDIA_TYPE, MediaRange, MediaType, MediaTypeError, NewFile, Picture, Piece,
    Thumbnail,
};
pub use group::{
    Group, GroupChange, GroupCommand, GroupKind, GroupReply, GroupRole, Invitation, JoinPolicy,
    Member, Policy, PolicyPatch, ProfilePatch, Waiting, Who,
};
pub use id::{
    ClientId, ConvId, DeviceId, Epoch, FileId, FileIdError, LinkId, LinkRef, MessageId, Millis,
    Ord64, PeerId, Seq, SeqError, StreamPos, SyncToken, UserId,
};
pub use message::{Content, Kind, LogEvent, Message, Payload, Sender};
pub use messages::{
    Hit, Keep, KeepChange, Kept, MessagesCommand, MessagesReply, Reactor, Receipts, Search,
    SearchPage, SnippetPiece,
};
pub use name::{DeviceName, GroupName, MAX_DEVICE, MAX_NAME, NameError, UserName};
pub use notice::{Audience, Notice, Noticed};
pub use outbox::{Outbox, SHARE_FROM, Segment};
pub use outside::{
    BeforeSend, Handed, Notification, PushGateway, PushTarget, SendQuestion, Verdict, WebhookEvent,
    WebhookTarget, Webhooks,
};
pub use people::{
    BlockPage, Blocked, Details, Friend, FriendPage, FriendRequest, Item, ItemKey, ItemKeyError,
    ItemPage, Listing, MAX_ITEM_KEY, PeopleCommand, PeopleReply, ProfileEdit, RequestId,
    RequestPage, RequestState, Seen,
};
pub use port::{Beat, Hint, Links, LinksPort, Peer, Replies, RepliesPort, SessionManager};
pub use push::{PushCommand, PushOutcome, PushRecord, PushReply, PushServices};
pub use refusal::Refusal;
pub use reply::{
    Changes, ConversationState, DeviceRecord, MemberPage, Page, Reply, Sent, Welcome, unread,
};
pub use session::{
    Close, Fault, Input, LinkInfo, Session, TlsInfo, Transport, Turn, Upgrade, Wish,
};
pub use topic::{
    OpenTopics, Publication, QoS, Retained, Subscribe, TopicCommand, TopicFilter, TopicFlight,
    TopicMessage, TopicReply, TopicWill, TopicsOpened,
};
pub use words::{asked_words, words};

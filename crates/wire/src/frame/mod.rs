//! The frames of the protocol: a file and a row each.
//!
//! To add one: write its file, put its row into [`FRAMES`] below, give it a vector in
//! `vectors/`. Encoding, decoding, the specification's tables and the tests follow.

pub mod changes;
pub mod credit;
pub mod deliver;
pub mod deliver_ack;
pub mod error;
pub mod event;
pub mod file;
pub mod go_away;
pub mod group;
pub mod hello;
pub mod message;
pub mod page;
pub mod people;
pub mod ping;
pub mod pong;
pub mod request;
pub mod response;
pub mod resume;
pub mod schema;
pub mod send;
pub mod send_ack;
pub mod sync;
pub mod synced;
pub mod welcome;

pub use self::{
    changes::{ChangeSet, Changes, Conversation},
    credit::Credit,
    deliver::{Deliver, Happening, LogEvent, MemberList, Membership, NameList},
    deliver_ack::DeliverAck,
    error::Error,
    event::{Event, Expiring, Head, Notice, Presence, Receipt, Typing},
    file::{File, FileCall},
    go_away::GoAway,
    group::{
        ApproveCall, Asked, DismissCall, DissolveCall, Dissolved, Groups, GroupsCall, Invitation,
        Invitations, InvitationsCall, InviteCall, JoinCall, LeaveCall, Mute, MuteCall, Policy,
        PolicyCall, ProfileCall, ProfilePatch, RetractCall, Waiting, WaitingCall, WaitingList,
    },
    hello::Hello,
    message::{
        Edit, EditCall, Found, Hit, Keep, KeepCall, Kept, Marks, Origin, Piece, Pin, PinCall, Pins,
        PinsCall, React, ReactCall, Reaction, Reactor, Reactors, ReactorsCall, RecallCall,
        Receipts, SearchCall, Source, Target,
    },
    page::{Log, Page},
    people::{
        AnswerRequestCall, BlockCall, Blocked, Blocks, Changed, EditFriendCall, EditProfileCall,
        FindUsersCall, Friend, FriendRequest, FriendRequests, Friends, Item, ItemCall, Items,
        ItemsCall, ListCall, Lists, PutItemCall, RemoveFriendCall, RequestFriendCall, Seen, Users,
        WithdrawRequestCall,
    },
    ping::Ping,
    pong::Pong,
    request::{
        Call, ConversationsCall, CreateGroupCall, DevicesCall, DisplayNameCall, GroupCall,
        HistoryCall, MeCall, MembersCall, PutMembersCall, ReadCall, RemoveDeviceCall,
        RemoveMembersCall, Request, UserCall,
    },
    response::{Answer, Device, Devices, Done, Group, Members, Response, Stored, User},
    resume::Resume,
    schema::{ChoiceRow, Described, FieldRow, MessageRow},
    send::Send,
    send_ack::SendAck,
    sync::Sync,
    synced::Synced,
    welcome::Welcome,
};

/// Who sends a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Clients only.
    ToServer,
    /// Servers only.
    ToClient,
    /// Either.
    Both,
}

/// Whether a peer that does not know a frame may pass over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// It may not: it refuses the frame with ERROR and ends the link.
    Critical,
    /// It may.
    Optional,
}

/// One frame of the protocol.
#[derive(Debug)]
pub struct FrameRow {
    /// The type number, 1 to 63.
    pub number: u8,
    /// Its name in the specification.
    pub name: &'static str,
    /// Who sends it.
    pub direction: Direction,
    /// Whether it may be passed over.
    pub weight: Weight,
    /// Its body.
    pub body: &'static MessageRow,
}

macro_rules! frames {
    ($($number:literal $name:literal $variant:ident $direction:ident $weight:ident,)+) => {
        /// Every frame of the protocol.
        pub static FRAMES: &[FrameRow] = &[$(FrameRow {
            number: $number,
            name: $name,
            direction: Direction::$direction,
            weight: Weight::$weight,
            body: <$variant as Described>::ROW,
        },)+];

        /// The type of a frame.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum FrameType {
            $(
                #[doc = $name]
                $variant = $number,
            )+
        }

        impl FrameType {
            /// The type with this number.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// Its number.
            #[must_use]
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// Its name in the specification.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// Who sends it.
            #[must_use]
            pub const fn direction(self) -> Direction {
                match self {
                    $(Self::$variant => Direction::$direction,)+
                }
            }

            /// Whether it may be passed over by those who do not know it.
            #[must_use]
            pub const fn weight(self) -> Weight {
                match self {
                    $(Self::$variant => Weight::$weight,)+
                }
            }
        }

        /// A frame, whole.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Frame {
            $(
                #[doc = $name]
                $variant($variant),
            )+
        }

        impl Frame {
            /// Its type.
            #[must_use]
            pub const fn frame_type(&self) -> FrameType {
                match self {
                    $(Self::$variant(_) => FrameType::$variant,)+
                }
            }

            /// How long its body is.
            #[must_use]
            pub fn body_len(&self) -> usize {
                match self {
                    $(Self::$variant(body) => prost::Message::encoded_len(body),)+
                }
            }

            /// Appends its body, without a header.
            pub fn put_body(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant(body) => prost::Message::encode_raw(body, out),)+
                }
            }

            /// Reads a body.
            ///
            /// # Errors
            /// It is not protobuf, or a field has another type than the specification says.
            pub fn from_body(frame_type: FrameType, body: &[u8]) -> Result<Self, prost::DecodeError> {
                match frame_type {
                    $(FrameType::$variant => {
                        <$variant as prost::Message>::decode(body).map(Self::$variant)
                    })+
                }
            }
        }

        $(
            impl From<$variant> for Frame {
                fn from(body: $variant) -> Self {
                    Self::$variant(body)
                }
            }
        )+
    };
}

frames! {
    // number, name, type, who sends it, whether it may be passed over
    1  "HELLO"      Hello      ToServer Critical,
    2  "RESUME"     Resume     ToServer Critical,
    3  "WELCOME"    Welcome    ToClient Critical,
    4  "SEND"       Send       ToServer Critical,
    5  "SENDACK"    SendAck    ToClient Critical,
    6  "DELIVER"    Deliver    ToClient Critical,
    7  "DELIVERACK" DeliverAck ToServer Critical,
    8  "CREDIT"     Credit     ToServer Critical,
    9  "SYNC"       Sync       ToServer Critical,
    10 "PAGE"       Page       ToClient Critical,
    11 "CHANGES"    Changes    ToClient Critical,
    12 "SYNCED"     Synced     ToClient Critical,
    13 "EVENT"      Event      Both     Optional,
    14 "REQUEST"    Request    ToServer Critical,
    15 "RESPONSE"   Response   ToClient Critical,
    16 "PING"       Ping       Both     Critical,
    17 "PONG"       Pong       Both     Optional,
    18 "GOAWAY"     GoAway     ToClient Critical,
    19 "ERROR"      Error      ToClient Critical,
}

//! The lines of an export. `docs/src/moving.md` describes them; what is left out of a line has its
//! default, so that other systems need to say little.

use anser_domain::Kind;
use serde::{Deserialize, Serialize};

/// The newest format that is read; the one that is written.
pub(super) const VERSION: u32 = 1;

/// A line.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Line {
    Anser {
        version: u32,
    },
    User {
        user: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        display_name: String,
        #[serde(default, skip_serializing_if = "is_not")]
        admin: bool,
        #[serde(default, skip_serializing_if = "is_not")]
        disabled: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scram: Option<Scram>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<String>,
    },
    Item {
        user: String,
        key: String,
        value: String,
    },
    Friend {
        user: String,
        friend: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        remark: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lists: Vec<Box<str>>,
        #[serde(default)]
        since: i64,
    },
    Block {
        user: String,
        blocked: String,
        #[serde(default)]
        since: i64,
    },
    Group {
        group: String,
        owner: String,
        #[serde(default)]
        title: Box<str>,
        #[serde(default)]
        description: Box<str>,
        #[serde(default)]
        avatar: Box<str>,
        #[serde(default)]
        announcement: Box<str>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        policy: Option<u16>,
        #[serde(default)]
        created: i64,
        #[serde(default = "first")]
        from_seq: u64,
    },
    Member {
        group: String,
        user: String,
        #[serde(default, skip_serializing_if = "is_not")]
        admin: bool,
        #[serde(default = "first")]
        from_seq: u64,
    },
    Message(Box<Written>),
    End {
        lines: u64,
    },
}

/// A SCRAM-SHA-256 credential; binary as base64.
#[derive(Serialize, Deserialize)]
pub(super) struct Scram {
    pub(super) iterations: u32,
    pub(super) salt: String,
    pub(super) stored_key: String,
    pub(super) server_key: String,
}

/// An entry.
#[derive(Serialize, Deserialize)]
pub(super) struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) with: Option<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) seq: Option<u64>,
    pub(super) from: String,
    pub(super) at: i64,
    pub(super) id: String,
    #[serde(default = "text_kind")]
    pub(super) kind: String,
    pub(super) text: Box<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reply_to: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) mentions: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) payload: Option<(u8, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) extra: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) reactions: Vec<(Box<str>, String, u64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pinned: Option<u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_not(flag: &bool) -> bool {
    !flag
}

fn first() -> u64 {
    1
}

fn text_kind() -> String {
    Kind::Text.name().to_owned()
}

//! What few messages have beside what they say: the `extra` column.

use anser_domain::{Marks, Millis, Origin, Reaction, UserName};
use serde::{Deserialize, Serialize};

use crate::port::StoreError;

/// The column. Plain messages have none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Extra {
    /// The entry that said what stands here now, and when it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) edited: Option<(u64, i64)>,
    /// Whether it was taken back.
    #[serde(skip_serializing_if = "is_not")]
    pub(super) recalled: bool,
    /// Reactions that stand and how many gave each, in the order in which each first came.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) reactions: Vec<(Box<str>, u32)>,
    /// Whether it is pinned.
    #[serde(skip_serializing_if = "is_not")]
    pub(super) pinned: bool,
    /// Whether it calls everybody.
    #[serde(skip_serializing_if = "is_not")]
    pub(super) all: bool,
    /// Where it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) forward: Option<Forward>,
}

/// Where a forwarded message came from. Readers are told who and when, not where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Forward {
    pub(super) sender: Box<str>,
    pub(super) ts: i64,
    pub(super) conv: u64,
    pub(super) seq: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_not(flag: &bool) -> bool {
    !flag
}

impl Extra {
    pub(super) fn parse(text: &str) -> Result<Self, StoreError> {
        let damaged = |_| StoreError::Failed("a stored message cannot be read".into());
        serde_json::from_str(text).map_err(damaged)
    }

    /// The column's text; `None` when there is nothing to say.
    pub(super) fn text(&self) -> Result<Option<String>, StoreError> {
        if *self == Self::default() {
            return Ok(None);
        }
        let text = serde_json::to_string(self);
        text.map(Some).map_err(|error| StoreError::Failed(error.to_string()))
    }

    /// What of it readers see. Whether a reaction is theirs is filled in for each.
    pub(super) fn marks(&self) -> Option<Box<Marks>> {
        if self.recalled {
            return None;
        }
        let reaction = |(reaction, count): &(Box<str>, u32)| Reaction {
            reaction: reaction.clone(),
            count: *count,
            mine: false,
        };
        let marks = Marks {
            edited: self.edited.map(|(_, ts)| Millis(ts)),
            reactions: self.reactions.iter().map(reaction).collect(),
            pinned: self.pinned,
            mentions_all: self.all,
            origin: self.forward.as_ref().map(|from| Origin {
                sender: UserName::trusted(&from.sender),
                ts: Millis(from.ts),
            }),
        };
        (marks != Marks::default()).then(|| Box::new(marks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_there_is_takes_room() {
        assert_eq!(Extra::default().text().unwrap(), None);
        let pinned = Extra { pinned: true, ..Extra::default() };
        assert_eq!(pinned.text().unwrap().as_deref(), Some(r#"{"pinned":true}"#));
        assert_eq!(Extra::parse(r#"{"pinned":true}"#).unwrap(), pinned);
        assert!(Extra::parse("[").is_err());
    }
}

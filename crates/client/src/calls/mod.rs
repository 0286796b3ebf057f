//! What an app asks now and then: a method for each call of the native protocol, by subject.
//!
//! All of them wait for the link when there is none, and fail with [`Failed`]: refused by the
//! server, or the client has stopped.

mod account;
mod groups;
mod messages;
mod people;

use anser_domain::UserName;
use anser_wire::frame::{Answer, Call};

use crate::{
    client::{Client, fresh_client_id},
    convert,
    error::Failed,
    model::Stored,
};

impl Client {
    /// A call that adds an entry to a log.
    async fn change(&self, call: Call) -> Result<Stored, Failed> {
        match self.call(call).await? {
            Answer::Sent(stored) => Ok(convert::stored(&stored)),
            _ => Err(Failed::Odd),
        }
    }

    /// A call with nothing to tell.
    async fn done(&self, call: Call) -> Result<(), Failed> {
        match self.call(call).await? {
            Answer::Done(_) => Ok(()),
            _ => Err(Failed::Odd),
        }
    }
}

fn names(users: &[UserName]) -> Vec<String> {
    users.iter().map(ToString::to_string).collect()
}

/// A client id for a change that is asked once.
fn once() -> Vec<u8> {
    fresh_client_id().0.to_vec()
}

/// Where a page continues.
fn after<T: ToString>(name: Option<&T>) -> String {
    name.map(ToString::to_string).unwrap_or_default()
}

fn text(text: Option<Box<str>>) -> Option<String> {
    text.map(Into::into)
}

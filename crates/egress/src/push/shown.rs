//! What a notification says to people, and what it says to the app.

use anser_domain::{Address, Notification};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// The heading: who wrote, or where.
pub(super) fn title(note: &Notification) -> &str {
    match &note.at {
        Address::Group(name) if note.title.is_empty() => name.as_str(),
        Address::Group(_) => &note.title,
        Address::User(_) => sender(note),
    }
}

/// The text below it; `None` where nothing is to be said, and the app says it in its own words.
pub(super) fn body(note: &Notification) -> Option<String> {
    let text = note.text.as_deref()?;
    Some(match &note.at {
        Address::Group(_) => format!("{}: {text}", sender(note)),
        Address::User(_) => text.to_owned(),
    })
}

fn sender(note: &Notification) -> &str {
    if note.sender_name.is_empty() { note.sender.as_str() } else { &note.sender_name }
}

/// What the app needs to go on from there. Everything is text: one service takes nothing else.
pub(super) fn data(note: &Notification) -> Map<String, Value> {
    let mut data = Map::new();
    for (key, text) in [
        ("conv", note.at.to_string()),
        ("seq", note.seq.to_string()),
        ("id", note.id.to_string()),
        ("sender", note.sender.to_string()),
        ("badge", note.badge.to_string()),
        ("unread", note.unread.to_string()),
        ("mentioned", note.mentioned.to_string()),
    ] {
        data.insert(key.to_owned(), json!(text));
    }
    data
}

/// What a later notification of the same conversation has in common with this one: 32 characters
/// of base64url, which fits every service.
pub(super) fn collapse(note: &Notification) -> String {
    let mut key = URL_SAFE_NO_PAD.encode(Sha256::digest(note.at.to_string().as_bytes()));
    key.truncate(32);
    key
}

/// How long it is of use from `now`, in seconds.
pub(super) fn ttl(note: &Notification, now: anser_domain::Millis) -> u64 {
    u64::try_from(note.until.0.saturating_sub(now.0) / 1000).unwrap_or(0)
}

/// The document that `make` makes, without the text if it would be longer than `bound`: what is
/// written in control characters takes six times the room in JSON.
pub(super) fn fitting(
    note: &Notification,
    bound: usize,
    make: impl Fn(&Notification) -> Value,
) -> Vec<u8> {
    let whole = make(note).to_string();
    if whole.len() <= bound {
        return whole.into_bytes();
    }
    make(&Notification { text: None, ..note.clone() }).to_string().into_bytes()
}

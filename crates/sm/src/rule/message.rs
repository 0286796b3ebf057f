//! What a message may be.

use anser_domain::{Content, GroupRole, Outgoing, Refusal, Seq};

use super::file;
use crate::config::Config;

/// Whether a message is one that can be taken at all, whoever sends it.
///
/// # Errors
/// Says which bound it breaks.
pub(crate) fn acceptable(message: &Outgoing, config: &Config) -> Result<(), Refusal> {
    // What is sent on was acceptable when it was sent.
    if message.forward.is_none() {
        acceptable_content(&message.content, config)?;
    }
    file::few_enough(&message.content)?;
    if message.payload.as_ref().is_some_and(|it| it.bytes.len() > config.max_data) {
        return Err(Refusal::TooLarge("the payload is longer than the server allows"));
    }
    if message.mentions.len() > config.max_mentions {
        return Err(Refusal::TooLarge("the message mentions too many users"));
    }
    Ok(())
}

/// Whether users may put this into a log.
pub(crate) fn acceptable_content(content: &Content, config: &Config) -> Result<(), Refusal> {
    match content {
        Content::Text(text) if text.is_empty() => {
            Err(Refusal::Invalid("a text message needs a text"))
        }
        Content::Text(text) if text.len() > config.max_text => {
            Err(Refusal::TooLarge("the text is longer than the server allows"))
        }
        Content::Image(data) | Content::File(data) | Content::Custom(data)
            if data.len() > config.max_data =>
        {
            Err(Refusal::TooLarge("the data is longer than the server allows"))
        }
        Content::Image(data) | Content::File(data) | Content::Custom(data)
            if serde_json::from_str::<serde::de::IgnoredAny>(data).is_err() =>
        {
            Err(Refusal::Invalid("the data of this kind of message must be JSON"))
        }
        Content::Event(_) | Content::Gone(_) => {
            Err(Refusal::Invalid("events are written by the server only"))
        }
        _ => Ok(()),
    }
}

/// Whether a message may stand above `head`.
pub(super) fn may_send(
    message: &Outgoing,
    head: Seq,
    role: GroupRole,
    members: usize,
    config: &Config,
) -> Result<(), Refusal> {
    if message.mentions_all && members > config.mention_all_up_to && role < GroupRole::Admin {
        return Err(Refusal::Forbidden);
    }
    match message.reply_to {
        Some(Seq(0)) => Err(Refusal::Invalid("reply_to counts from 1")),
        // A reply always stands above what it quotes.
        Some(quoted) if quoted > head => {
            Err(Refusal::Invalid("reply_to names a message that does not exist"))
        }
        _ => Ok(()),
    }
}

//! The link is open and nobody's.

use anser_domain::{Command, Credential, Fault, Login, Secret, Turn};
use prost::Message as _;

use super::{LoggingIn, answer::end, tag};
use crate::{
    MIN_VERSION, VERSION,
    code::ErrorCode,
    codec::compress,
    convert::ask,
    frame::{FrameType, Hello, Resume},
    limits::{Limits, MAX_CAPABILITIES, MAX_CLIENT, MAX_CREDENTIAL},
};

/// Nothing has been said; the one deadline runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExpectHello;

impl ExpectHello {
    /// The first frame.
    pub(super) fn frame(
        self,
        limits: &Limits,
        frame_type: FrameType,
        body: &[u8],
        turn: &mut Turn<'_>,
    ) -> Result<LoggingIn, Fault> {
        let (login, hello) = read(frame_type, body, turn)?;
        if hello.min_version > VERSION || hello.max_version < MIN_VERSION {
            let reason = format!("this server speaks versions {MIN_VERSION} to {VERSION}");
            return Err(end(turn, ErrorCode::UnsupportedVersion, &reason));
        }
        turn.ask(tag::LOGIN, Command::Login(Box::new(login)));
        turn.wake_at(turn.now.checked_add(limits.login_deadline));
        Ok(LoggingIn {
            version: hello.max_version.min(VERSION),
            compresses: hello.capabilities.iter().any(|name| name == compress::CAPABILITY),
            credit: hello.credit,
            heartbeat_ms: hello.heartbeat_ms,
        })
    }
}

/// Reads a HELLO or a RESUME, and takes nothing else: the login, and what there is to negotiate.
pub(super) fn read(
    frame_type: FrameType,
    body: &[u8],
    turn: &mut Turn<'_>,
) -> Result<(Login, Hello), Fault> {
    let hello = match frame_type {
        FrameType::Hello => Hello::decode(body),
        FrameType::Resume => Resume::decode(body).map(as_hello),
        _ => {
            return Err(end(turn, ErrorCode::UnexpectedFrame, "HELLO or RESUME comes first"));
        }
    };
    let Ok(mut hello) = hello else {
        return Err(end(turn, ErrorCode::Malformed, "the body is not that of its frame"));
    };
    if hello.token.len() > MAX_CREDENTIAL
        || hello.client.len() > MAX_CLIENT
        || hello.capabilities.len() > MAX_CAPABILITIES
    {
        return Err(end(turn, ErrorCode::TooLarge, "a field of the login is too long"));
    }
    let since = match hello.since.map(ask::token).transpose() {
        Ok(since) => since,
        Err(refusal) => return Err(end(turn, (&refusal).into(), &refusal.to_string())),
    };
    let secret = Secret::new(std::mem::take(&mut hello.token));
    let credential = match frame_type {
        FrameType::Resume => Credential::Ticket(secret),
        _ => Credential::Token(secret),
    };
    Ok((Login { credential, since }, hello))
}

/// The two frames differ only in what they show.
fn as_hello(resume: Resume) -> Hello {
    Hello {
        token: resume.ticket,
        min_version: resume.min_version,
        max_version: resume.max_version,
        capabilities: resume.capabilities,
        since: resume.since,
        credit: resume.credit,
        heartbeat_ms: resume.heartbeat_ms,
        client: resume.client,
    }
}

//! What a session writes, apart from the hot frames.

use std::time::Duration;

use anser_domain::{Changes, Fault, Page, Refusal, Turn};

use crate::{
    code::ErrorCode,
    codec,
    convert::tell,
    frame::{self, Frame, GoAway},
    limits::Limits,
};

/// What a frame has beside the rows of a page, at most: a ticket and some numbers.
const BESIDE_ROWS: usize = 8 << 10;

/// How a link's frames are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// Bodies from this length on are compressed.
    pub(super) compress_from: Option<usize>,
    /// Pages are cut to this many bytes of rows.
    pub(super) rows: usize,
}

impl Style {
    pub(super) fn new(limits: &Limits, compresses: bool) -> Self {
        Self {
            compress_from: compresses.then_some(limits.compress_from),
            rows: limits.max_frame.saturating_sub(BESIDE_ROWS),
        }
    }

    /// Writes a frame.
    pub(super) fn put(self, turn: &mut Turn<'_>, frame: impl Into<Frame>) {
        let (frame, out) = (frame.into(), turn.out.buffer());
        match self.compress_from {
            Some(from) => codec::write_compressed(&frame, from, out),
            None => codec::write(&frame, out),
        }
    }

    /// Writes a page of changes.
    pub(super) fn put_changes(self, turn: &mut Turn<'_>, id: u32, changes: &Changes) {
        for set in tell::change_sets(changes, self.rows) {
            self.put(turn, frame::Changes { id, set: Some(set) });
        }
    }

    /// Writes a page of a log.
    pub(super) fn put_page(self, turn: &mut Turn<'_>, id: u32, page: &Page) {
        for log in tell::logs(page, self.rows) {
            self.put(turn, frame::Page { id, log: Some(log) });
        }
    }
}

/// Writes an ERROR.
pub(super) fn error(
    turn: &mut Turn<'_>,
    id: u32,
    code: ErrorCode,
    reason: &str,
    retry_after: Option<Duration>,
) {
    let retry_after_ms = millis(retry_after.unwrap_or_default());
    let (code, reason) = (code.number().into(), reason.to_owned());
    let error = frame::Error { code, reason, id, retry_after_ms, until_ms: 0 };
    codec::write(&error.into(), turn.out.buffer());
}

/// Answers a request with a refusal.
pub(super) fn refused(turn: &mut Turn<'_>, id: u32, refusal: &Refusal) {
    let error = frame::Error {
        code: ErrorCode::from(refusal).number().into(),
        reason: refusal.to_string(),
        id,
        retry_after_ms: millis(refusal.retry_after().unwrap_or_default()),
        until_ms: refusal.until().map_or(0, |until| until.0),
    };
    codec::write(&error.into(), turn.out.buffer());
}

/// Ends the link because of what its peer did.
#[must_use]
pub(super) fn end(turn: &mut Turn<'_>, code: ErrorCode, reason: &str) -> Fault {
    error(turn, 0, code, reason, None);
    match code {
        ErrorCode::Malformed | ErrorCode::BadCompression => Fault::Malformed(code.name()),
        _ => Fault::Misbehaved(code.name()),
    }
}

/// Ends the link because its login was refused.
#[must_use]
pub(super) fn refuse(turn: &mut Turn<'_>, refusal: Refusal) -> Fault {
    refused(turn, 0, &refusal);
    Fault::Refused(refusal)
}

/// Why a link ends that did nothing wrong.
#[derive(Clone, Copy, Debug)]
pub(super) enum Farewell<'a> {
    /// It is another's, or nobody's, now.
    Refused(&'a Refusal),
    /// The process is being stopped.
    Draining(Duration),
    /// Nothing was heard.
    Silent,
}

/// Writes a GOAWAY.
pub(super) fn go_away(turn: &mut Turn<'_>, farewell: Farewell<'_>) {
    let (code, reason, retry_after, may_reconnect) = match farewell {
        Farewell::Refused(refusal) => (
            refusal.into(),
            refusal.to_string(),
            refusal.retry_after().unwrap_or_default(),
            refusal.is_retriable(),
        ),
        Farewell::Draining(after) => {
            (ErrorCode::Draining, Refusal::Draining.to_string(), after, true)
        }
        Farewell::Silent => {
            let reason = "nothing was heard for too long".to_owned();
            (ErrorCode::IdleTimeout, reason, Duration::ZERO, true)
        }
    };
    let frame = GoAway {
        code: code.number().into(),
        reason,
        retry_after_ms: millis(retry_after),
        may_reconnect,
    };
    codec::write(&frame.into(), turn.out.buffer());
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

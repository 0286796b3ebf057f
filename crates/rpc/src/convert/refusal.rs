//! Refusals.

use std::time::Duration;

use anser_domain::{Millis, Refusal};
use parking_lot::Mutex;
use rustc_hash::FxHashSet;

use super::Form;
use crate::{malformed::Malformed, proto};

/// Distinct refusal texts that are kept. The other end's are constants of its program, some
/// dozens; a peer that makes up texts must not make this process grow.
const TEXTS: usize = 512;
/// Longest refusal text that is kept, in bytes.
const TEXT: usize = 256;
/// What stands for a text that is not kept.
const UNKEPT: &str = "a value is out of its range";

/// The text as a constant of this process, as [`Refusal`] wants it.
fn text(form: &str) -> &'static str {
    static KEPT: Mutex<Option<FxHashSet<&'static str>>> = Mutex::new(None);
    let mut kept = KEPT.lock();
    let kept = kept.get_or_insert_default();
    if let Some(text) = kept.get(form) {
        return text;
    }
    if form.len() > TEXT || kept.len() >= TEXTS {
        return UNKEPT;
    }
    let text: &'static str = Box::leak(form.into());
    kept.insert(text);
    text
}

impl Form for Refusal {
    type Proto = proto::Refusal;

    fn form(&self) -> proto::Refusal {
        use proto::refusal::Why as It;
        let unit = proto::Unit {};
        proto::Refusal {
            why: Some(match self {
                Self::BadCredentials => It::BadCredentials(unit),
                Self::Expired => It::Expired(unit),
                Self::Disabled => It::Disabled(unit),
                Self::Revoked => It::Revoked(unit),
                Self::TakenOver => It::TakenOver(unit),
                Self::Forbidden => It::Forbidden(unit),
                Self::NotMember => It::NotMember(unit),
                Self::NoSuchUser => It::NoSuchUser(unit),
                Self::NoSuchFile => It::NoSuchFile(unit),
                Self::Quota(text) => It::Quota((*text).to_owned()),
                Self::NameTaken => It::NameTaken(unit),
                Self::Conflict => It::Conflict(unit),
                Self::StaleClientId => It::StaleClientId(unit),
                Self::VersionMismatch => It::VersionMismatch(unit),
                Self::Invalid(text) => It::Invalid((*text).to_owned()),
                Self::TooLarge(text) => It::TooLarge((*text).to_owned()),
                Self::OutOfOrder => It::OutOfOrder(unit),
                Self::RateLimited(after) => It::RateLimited(after.form()),
                Self::Busy(after) => It::Busy(after.form()),
                Self::Unavailable => It::Unavailable(unit),
                Self::Draining => It::Draining(unit),
                Self::NoSuch(what) => It::NoSuch((*what).to_owned()),
                Self::Denied(why) => It::Denied(why.to_string()),
                Self::Muted(until) => It::Muted(until.0),
            }),
        }
    }

    fn read(form: proto::Refusal) -> Result<Self, Malformed> {
        use proto::refusal::Why as It;
        Ok(match form.why.ok_or(Malformed::Missing("refusal"))? {
            It::BadCredentials(_) => Self::BadCredentials,
            It::Expired(_) => Self::Expired,
            It::VersionMismatch(_) => Self::VersionMismatch,
            It::Disabled(_) => Self::Disabled,
            It::Revoked(_) => Self::Revoked,
            It::TakenOver(_) => Self::TakenOver,
            It::Forbidden(_) => Self::Forbidden,
            It::NotMember(_) => Self::NotMember,
            It::NoSuchUser(_) => Self::NoSuchUser,
            It::NoSuchFile(_) => Self::NoSuchFile,
            It::Quota(form) => Self::Quota(text(&form)),
            It::NameTaken(_) => Self::NameTaken,
            It::Conflict(_) => Self::Conflict,
            It::StaleClientId(_) => Self::StaleClientId,
            It::Invalid(form) => Self::Invalid(text(&form)),
            It::TooLarge(form) => Self::TooLarge(text(&form)),
            It::OutOfOrder(_) => Self::OutOfOrder,
            It::RateLimited(after) => Self::RateLimited(Duration::read(after)?),
            It::Busy(after) => Self::Busy(Duration::read(after)?),
            It::Unavailable(_) => Self::Unavailable,
            It::Draining(_) => Self::Draining,
            It::NoSuch(form) => Self::NoSuch(text(&form)),
            It::Denied(why) => Self::Denied(why.into()),
            It::Muted(until) => Self::Muted(Millis(until)),
        })
    }
}

impl Form for Duration {
    type Proto = proto::Duration;

    fn form(&self) -> proto::Duration {
        proto::Duration { seconds: self.as_secs(), nanos: self.subsec_nanos() }
    }

    fn read(form: proto::Duration) -> Result<Self, Malformed> {
        // Above this, `Duration::new` would carry into the seconds and could overflow them.
        if form.nanos >= 1_000_000_000 {
            return Err(Malformed::Range("nanos"));
        }
        Ok(Self::new(form.seconds, form.nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_texts_do_not_grow_the_process() {
        assert_eq!(text("too long a name"), "too long a name");
        assert_eq!(text(&"x".repeat(TEXT + 1)), UNKEPT);
        let kept = (0..4 * TEXTS).filter(|n| text(&format!("text {n}")) != UNKEPT).count();
        assert!(kept < TEXTS, "{kept} texts were kept");
        assert_eq!(text("too long a name"), "too long a name", "what was kept stays");
    }
}

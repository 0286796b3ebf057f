//! Why something was refused, as numbers: the table that ERROR, GOAWAY and the specification
//! read, and the one `match` that brings refusals to it.

use anser_domain::Refusal;

use crate::codec::CodecError;

/// One code.
#[derive(Debug)]
pub struct CodeRow {
    /// The code.
    pub code: ErrorCode,
    /// Its name in the specification.
    pub name: &'static str,
    /// What it means and what to do.
    pub doc: &'static str,
}

macro_rules! codes {
    ($($number:literal $name:literal $variant:ident $doc:literal,)+) => {
        /// Why something was refused. 1–19: the client's own mistake in the protocol; 20–39:
        /// who it is; 40–59: no; 60–79: not now.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum ErrorCode {
            $(
                #[doc = $doc]
                $variant = $number,
            )+
        }

        /// Every code.
        pub static CODES: &[CodeRow] = &[$(CodeRow {
            code: ErrorCode::$variant,
            name: $name,
            doc: $doc,
        },)+];

        impl ErrorCode {
            /// The code with this number.
            #[must_use]
            pub const fn from_number(number: u32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// Its name in the specification.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

codes! {
    1  "malformed"           Malformed          "Bytes that are not this protocol.",
    2  "unexpected_frame"    UnexpectedFrame    "A frame that has no place here or now.",
    3  "unsupported_version" UnsupportedVersion "No version that both sides speak.",
    4  "unsupported_frame"   UnsupportedFrame   "A critical frame that the server does not know.",
    5  "frame_too_large"     FrameTooLarge      "A body above the bound, as sent or once restored.",
    6  "bad_compression"     BadCompression     "A compressed body that was not agreed on, or cannot be restored.",
    7  "login_timeout"       LoginTimeout       "No HELLO or RESUME within the time for it.",
    8  "idle_timeout"        IdleTimeout        "Nothing heard for longer than the heartbeat interval allows.",
    20 "bad_credentials"     BadCredentials     "The token or ticket is not valid. Sign in again.",
    21 "expired"             Expired            "The credential was valid once. Refresh it, or sign in again.",
    22 "disabled"            Disabled           "The account is disabled.",
    23 "revoked"             Revoked            "The device's session was ended. Sign in again.",
    24 "taken_over"          TakenOver          "The same device has a newer link.",
    40 "forbidden"           Forbidden          "The caller may not do this.",
    41 "not_member"          NotMember          "No such conversation, or the caller is not in it.",
    42 "no_such_user"        NoSuchUser         "No such user.",
    43 "name_taken"          NameTaken          "The name is in use, or was once.",
    44 "conflict"            Conflict           "The client id was used for another message.",
    45 "stale_client_id"     StaleClientId      "The client id's time is outside the window in which retries are recognised.",
    46 "invalid"             Invalid            "A value is out of its range; the reason says which.",
    47 "too_large"           TooLarge           "More than a bound allows; the reason says which.",
    49 "version_mismatch"    VersionMismatch    "The item is not of the version that the change was meant for.",
    50 "muted"               Muted              "The caller may not write in the group before a time, `until_ms`.",
    56 "no_such_file"        NoSuchFile         "No such file, or none that the caller may see.",
    57 "quota"               Quota              "All of what the user may store is taken; the reason says what.",
    58 "no_such"             NoSuch             "There is no such thing, or none that the caller may see; the reason says what.",
    59 "denied"              Denied             "The app does not let this message pass; the reason is the app's.",
    60 "out_of_order"        OutOfOrder         "An earlier message to the conversation was refused for now: send that one again first.",
    61 "rate_limited"        RateLimited        "Too many requests.",
    62 "busy"                Busy               "Too much waits to be stored.",
    63 "unavailable"         Unavailable        "The store cannot store now. Nothing was stored.",
    64 "draining"            Draining           "The server is being stopped. Come back, or go to another.",
}

impl ErrorCode {
    /// Its number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// Whether the very same request may succeed later. Holds for numbers that are not known
    /// yet, too: 60 to 79.
    #[must_use]
    pub const fn is_retriable(number: u32) -> bool {
        matches!(number, 60..=79)
    }
}

impl From<&Refusal> for ErrorCode {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::BadCredentials => Self::BadCredentials,
            Refusal::Expired => Self::Expired,
            Refusal::Disabled => Self::Disabled,
            Refusal::NoSuchFile => Self::NoSuchFile,
            Refusal::Quota(_) => Self::Quota,
            Refusal::Revoked => Self::Revoked,
            Refusal::TakenOver => Self::TakenOver,
            Refusal::Forbidden => Self::Forbidden,
            Refusal::NotMember => Self::NotMember,
            Refusal::NoSuchUser => Self::NoSuchUser,
            Refusal::NameTaken => Self::NameTaken,
            Refusal::Conflict => Self::Conflict,
            Refusal::StaleClientId => Self::StaleClientId,
            Refusal::VersionMismatch => Self::VersionMismatch,
            Refusal::Invalid(_) => Self::Invalid,
            Refusal::TooLarge(_) => Self::TooLarge,
            Refusal::OutOfOrder => Self::OutOfOrder,
            Refusal::RateLimited(_) => Self::RateLimited,
            Refusal::Busy(_) => Self::Busy,
            Refusal::Unavailable => Self::Unavailable,
            Refusal::Draining => Self::Draining,
            Refusal::NoSuch(_) => Self::NoSuch,
            Refusal::Denied(_) => Self::Denied,
            Refusal::Muted(_) => Self::Muted,
        }
    }
}

impl From<&CodecError> for ErrorCode {
    fn from(error: &CodecError) -> Self {
        match error {
            CodecError::TooLong { .. } => Self::FrameTooLarge,
            CodecError::UnknownCritical(_) => Self::UnsupportedFrame,
            CodecError::Compression => Self::BadCompression,
            CodecError::Type
            | CodecError::Length
            | CodecError::Field
            | CodecError::Group
            | CodecError::Utf8 => Self::Malformed,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn numbers_ascend_and_read_back() {
        let numbers: Vec<u16> = CODES.iter().map(|row| row.code.number()).collect();
        assert!(numbers.is_sorted() && numbers[0] > 0);
        for row in CODES {
            assert_eq!(ErrorCode::from_number(row.code.number().into()), Some(row.code));
            assert_eq!(row.code.name(), row.name);
        }
    }

    #[test]
    fn a_refusal_is_retriable_exactly_when_its_number_says_so() {
        let second = Duration::from_secs(1);
        for refusal in [
            Refusal::BadCredentials,
            Refusal::Expired,
            Refusal::Disabled,
            Refusal::Revoked,
            Refusal::TakenOver,
            Refusal::Forbidden,
            Refusal::NotMember,
            Refusal::NoSuchUser,
            Refusal::NameTaken,
            Refusal::Conflict,
            Refusal::StaleClientId,
            Refusal::Invalid(""),
            Refusal::TooLarge(""),
            Refusal::OutOfOrder,
            Refusal::RateLimited(second),
            Refusal::Busy(second),
            Refusal::Unavailable,
            Refusal::Draining,
            Refusal::NoSuch("webhook"),
            Refusal::Denied("no".into()),
            Refusal::Muted(anser_domain::Millis(1)),
        ] {
            let number = ErrorCode::from(&refusal).number().into();
            assert_eq!(ErrorCode::is_retriable(number), refusal.is_retriable(), "{refusal:?}");
        }
    }
}

//! Names people and apps choose: users, groups and devices. A value of these types is valid.

use std::{fmt, sync::Arc};

use precis_core::profile::PrecisFastInvocation;
use precis_profiles::UsernameCaseMapped;

/// Longest user or group name, in bytes of UTF-8. Leaves room for `name@domain/resource` within
/// XMPP's 3,071 and keeps addresses small enough to copy.
pub const MAX_NAME: usize = 64;
/// Longest device name, in bytes of UTF-8: MQTT client ids and XMPP resources fit.
pub const MAX_DEVICE: usize = 128;

/// What separates parts of an address in one protocol or another, and what XMPP has no names with
/// (RFC 7622 §3.3.1), so no name may hold them.
const RESERVED: &[char] = &['/', '+', '#', '$', ':', '@', ' ', '"', '&', '\'', '<', '>'];

/// Names that are steps in a path: a client takes them out of a URL, however they are written
/// there (RFC 3986 §5.2.4, and %2e of the URL standard).
const STEPS: [&str; 2] = [".", ".."];

/// Why a name was not taken. The text is fit for the person who chose it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing, or more than fits.
    #[error("a name has 1 to {0} bytes")]
    Length(usize),
    /// One of `/ + # $ : @ " & ' < >` or a space.
    #[error("a name may not contain '{0}'")]
    Reserved(char),
    /// One of the two that URLs cannot hold.
    #[error("a name is not '.' or '..'")]
    Step,
    /// Not allowed by PRECIS UsernameCaseMapped (RFC 8265 §3.3), or a control character.
    #[error("a name may hold letters and digits of any script and common punctuation")]
    Disallowed,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $parse:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and normalises `text`.
            ///
            /// # Errors
            /// [`NameError`] says what is wrong with it.
            pub fn new(text: &str) -> Result<Self, NameError> {
                $parse(text).map(Self)
            }

            /// A name that was checked before, such as one read back from the store.
            #[must_use]
            pub fn trusted(text: &str) -> Self {
                Self(Arc::from(text))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }
    };
}

name! {
    /// A user's name: PRECIS UsernameCaseMapped, never reused.
    UserName, case_mapped
}
name! {
    /// A group's name, under the same rules as a user's.
    GroupName, case_mapped
}
name! {
    /// What a client calls its device: an install id, an MQTT client id, an XMPP resource.
    DeviceName, printable
}

fn case_mapped(text: &str) -> Result<Arc<str>, NameError> {
    if text.is_empty() || text.len() > MAX_NAME {
        return Err(NameError::Length(MAX_NAME));
    }
    if let Some(bad) = text.chars().find(|c| RESERVED.contains(c)) {
        return Err(NameError::Reserved(bad));
    }
    if STEPS.contains(&text) {
        return Err(NameError::Step);
    }
    // The usual name is short lower-case ASCII, which the profile maps to itself.
    if text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.')) {
        return Ok(Arc::from(text));
    }
    let mapped = UsernameCaseMapped::enforce(text).map_err(|_| NameError::Disallowed)?;
    if mapped.is_empty() || mapped.len() > MAX_NAME {
        return Err(NameError::Length(MAX_NAME));
    }
    if let Some(bad) = mapped.chars().find(|c| RESERVED.contains(c)) {
        return Err(NameError::Reserved(bad));
    }
    if STEPS.contains(&&*mapped) {
        return Err(NameError::Step);
    }
    Ok(Arc::from(&*mapped))
}

fn printable(text: &str) -> Result<Arc<str>, NameError> {
    if text.is_empty() || text.len() > MAX_DEVICE {
        return Err(NameError::Length(MAX_DEVICE));
    }
    if text.chars().any(char::is_control) {
        return Err(NameError::Disallowed);
    }
    if STEPS.contains(&text) {
        return Err(NameError::Step);
    }
    Ok(Arc::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_case_mapped_and_normalised() {
        assert_eq!(UserName::new("Alice").unwrap().as_str(), "alice");
        assert_eq!(UserName::new("Ａｌｉｃｅ").unwrap().as_str(), "alice", "full width is mapped");
        assert_eq!(UserName::new("鸿雁").unwrap().as_str(), "鸿雁");
        assert_eq!(UserName::new("e\u{301}va").unwrap(), UserName::new("éva").unwrap());
    }

    #[test]
    fn what_other_protocols_use_as_separators_is_refused() {
        for bad in ["a/b", "a+b", "a#", "$a", "a:b", "a@b", "a b", "a<b", "a&b", "a'b", "\"a"] {
            assert!(matches!(UserName::new(bad), Err(NameError::Reserved(_))), "{bad}");
        }
        assert_eq!(UserName::new(""), Err(NameError::Length(MAX_NAME)));
        assert_eq!(UserName::new(&"x".repeat(65)), Err(NameError::Length(MAX_NAME)));
        assert_eq!(UserName::new("a\u{0}b"), Err(NameError::Disallowed));
        assert!(UserName::new("a／b").is_err(), "a full-width slash maps to a slash");
        assert_eq!(DeviceName::new("tab\t"), Err(NameError::Disallowed));
        assert!(DeviceName::new("Alice's phone").is_ok());
    }

    #[test]
    fn a_name_is_no_step_in_a_path() {
        for bad in [".", "..", "．", "．．"] {
            assert!(UserName::new(bad).is_err(), "{bad}");
        }
        assert_eq!(GroupName::new(".."), Err(NameError::Step));
        assert_eq!(DeviceName::new("."), Err(NameError::Step));
        for good in ["...", ".a", "a.b"] {
            assert!(UserName::new(good).is_ok() && DeviceName::new(good).is_ok(), "{good}");
        }
    }
}

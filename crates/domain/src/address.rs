//! How a viewer names a conversation: `u:bob` for the direct one with bob, `g:geese` for a group.

use std::fmt;

use crate::name::{GroupName, NameError, UserName};

/// A conversation seen from one of its members.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// The direct conversation with this user: `u:{user}`.
    User(UserName),
    /// This group: `g:{group}`.
    Group(GroupName),
}

impl Address {
    /// The kind letter and the name, as they stand on either side of the colon.
    #[must_use]
    pub fn parts(&self) -> (char, &str) {
        match self {
            Self::User(name) => ('u', name.as_str()),
            Self::Group(name) => ('g', name.as_str()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name) = self.parts();
        write!(f, "{kind}:{name}")
    }
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Neither `u:` nor `g:` stands in front.
    #[error("an address is u:USER or g:GROUP")]
    Kind,
    /// The name is not a valid one.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl std::str::FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match text.split_once(':') {
            Some(("u", name)) => Ok(Self::User(UserName::new(name)?)),
            Some(("g", name)) => Ok(Self::Group(GroupName::new(name)?)),
            _ => Err(AddressError::Kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_back_as_they_are_written() {
        for text in ["u:bob", "g:geese", "u:鸿雁"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        for bad in ["bob", "x:bob", "u:", "u:a b", ":", ""] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }
}

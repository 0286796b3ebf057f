//! Domain values and their forms, one file per theme.
//!
//! Each conversion takes its value apart by name, without `..` and without a wildcard arm: a new
//! field or variant of the domain does not compile until it crosses.

mod account;
mod admin;
mod ask;
mod command;
mod event;
mod files;
mod group;
mod message;
mod messages;
mod people;
mod push;
mod refusal;
mod reply;

use anser_domain::SyncToken;

use crate::malformed::Malformed;

/// A domain value with a form in the contract.
pub(crate) trait Form: Sized {
    /// The contract's type.
    type Proto;

    /// The value's form.
    fn form(&self) -> Self::Proto;

    /// The value that has this form.
    fn read(form: Self::Proto) -> Result<Self, Malformed>;
}

/// The forms of many.
pub(crate) fn forms<'a, T: Form + 'a>(values: impl IntoIterator<Item = &'a T>) -> Vec<T::Proto> {
    values.into_iter().map(T::form).collect()
}

/// The values of many forms.
pub(crate) fn read_all<T: Form>(forms: Vec<T::Proto>) -> Result<Vec<T>, Malformed> {
    forms.into_iter().map(T::read).collect()
}

/// The value of a form that must be there.
pub(crate) fn required<T: Form>(
    form: Option<T::Proto>,
    what: &'static str,
) -> Result<T, Malformed> {
    T::read(form.ok_or(Malformed::Missing(what))?)
}

/// A token's form; what is not known is left out, so that an older peer's silence means the same.
pub(crate) fn known(token: SyncToken) -> Option<u64> {
    (token != SyncToken::NEVER).then_some(token.0)
}

/// The token that was sent, if one was.
pub(crate) fn or_never(form: Option<u64>) -> SyncToken {
    form.map_or(SyncToken::NEVER, SyncToken)
}

/// A page size.
fn limit(form: u32) -> Result<u16, Malformed> {
    u16::try_from(form).map_err(|_| Malformed::Range("limit"))
}

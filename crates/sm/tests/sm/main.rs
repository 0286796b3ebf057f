//! The SM over a real embedded store, seen from the peers that ask it.

mod accounts;
mod chat;
mod support;

//! The backends: one folder each.

pub mod memory;
pub mod sqlite;

//! The backends: one folder each.

pub mod memory;
pub mod redis;
pub mod sqlite;

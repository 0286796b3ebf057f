//! The backends of the two ports.

pub mod memory;
pub mod mysql;
pub mod redis;
mod relational;
pub mod sqlite;

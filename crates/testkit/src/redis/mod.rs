//! Private Redis servers for tests: each on free loopback ports, with a directory of its own, gone
//! with the value that stands for it.

mod cluster;
mod sentinel;
mod server;

pub use cluster::Cluster;
pub use sentinel::Watched;
pub use server::{Server, until};

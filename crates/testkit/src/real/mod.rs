//! The real `anser` binary, as a user starts it: its process, its REST calls, devices over TCP.

mod binary;
mod device;
mod rest;
mod server;
mod shown;
mod stall;

pub use binary::{Build, binary};
pub use device::Phone;
pub use rest::{Login, Rest, Sending};
pub use server::{Role, Server};
pub use shown::shown;
pub use stall::{Stall, Stalling};

//! What tests of the whole are made of; only tests and development tools use this crate.
//!
//! * [`by_hand`]: what the harnesses share on a command line.
//! * [`chaos`]: the harness that tries to lose a message, on real processes.
//! * [`checker`]: whether a run kept the promises, told from what it left behind.
//! * [`cluster`]: several CMs and SMs in one process, on a clock moved by hand, with faults.
//! * [`crash`]: the kill test.
//! * [`mariadb`]: a MariaDB server, started for the tests of one process.
//! * [`probe`]: a device that repairs nothing and writes everything down, to make such a history.
//! * [`real`]: the real binary, its REST calls, and probes on real links.
//! * [`recovery`]: how soon a cluster is itself again, timed.
//! * [`relay`]: what lies between two processes, to be cut and slowed.
//! * [`redis`]: Redis servers, started for one test.

pub mod by_hand;
pub mod chaos;
pub mod checker;
pub mod cluster;
pub mod crash;
pub mod mariadb;
mod ports;
pub mod probe;
pub mod real;
pub mod recovery;
pub mod redis;
pub mod relay;

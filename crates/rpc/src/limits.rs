//! Bounds of the streams between roles, each with its reason.

use std::time::Duration;

/// Largest packet, in bytes: a page of the log of 1 MiB for each of the 16 pulls that are answered
/// together, and what stands around them.
pub(crate) const MAX_PACKET: usize = 32 << 20;

/// Packets that may wait for a peer that does not read. Each is a batch; a peer that is behind by
/// so many is stuck, and its stream is ended: it dials again and compares heads.
pub(crate) const MAX_WAITING: usize = 8_192;

/// How often a silent stream is asked for a sign of life, and how long that may take: together
/// below the time in which sends are to resume when an SM hangs.
pub(crate) const PING_EVERY: Duration = Duration::from_secs(2);
/// See [`PING_EVERY`].
pub(crate) const PING_WITHIN: Duration = Duration::from_secs(3);

/// How long a connection may take to come about.
pub(crate) const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// HTTP/2 windows, in bytes: one stream carries everything, so a small one would stop the whole
/// link for each round trip.
pub(crate) const WINDOW: u32 = 4 << 20;

//! Conversations between a client and a session, one file each in `transcripts/`: played frame
//! by frame, byte by byte, and with every frame cut short at every byte first.

use crate::runner::{Feeding, Runner};

macro_rules! transcripts {
    ($($name:ident)+) => {$(
        #[test]
        fn $name() {
            let script = include_str!(concat!("transcripts/", stringify!($name), ".txt"));
            for feeding in [Feeding::Whole, Feeding::ByteByByte, Feeding::EveryBeginning] {
                Runner::play(script, feeding);
            }
        }
    )+

        #[test]
        fn every_file_is_played() {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/protocol/transcripts");
            let files = std::fs::read_dir(folder).unwrap().count();
            assert_eq!(files, [$(stringify!($name)),+].len());
        }
    };
}

transcripts! {
    login
    resume
    login_refused
    login_deadline
    before_hello
    wrong_version
    send
    deliver
    compression
    sync
    requests
    events
    in_flight
    in_flight_message
    reads
    heartbeat
    expiry
    evict
    drain
    websocket
    bad_input
    large_pages
    login_hurry
    login_unanswered
    other_device
    two_credentials
    drain_idle
    drain_answered
    drain_login
}

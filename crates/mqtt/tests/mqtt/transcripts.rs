//! Conversations between a client and a session, one file each in `transcripts/`: played packet by
//! packet, byte by byte, and with every packet cut short at every byte first.

use crate::runner::{Feeding, Runner};

macro_rules! transcripts {
    ($($name:ident)+) => {
        /// Every transcript: its name, and its text.
        pub(crate) const ALL: &[(&str, &str)] =
            &[$((stringify!($name), include_str!(concat!("transcripts/", stringify!($name), ".txt")))),+];

        $(
            #[test]
            fn $name() {
                let script = include_str!(concat!("transcripts/", stringify!($name), ".txt"));
                for feeding in [Feeding::Whole, Feeding::ByteByByte, Feeding::EveryBeginning] {
                    Runner::play(script, feeding);
                }
            }
        )+
    };
}

#[test]
fn every_file_is_played() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mqtt/transcripts");
    let files = std::fs::read_dir(folder).unwrap().count();
    assert_eq!(files, ALL.len());
}

transcripts! {
    aliases_in
    aliases_out
    auth_method
    client_id
    connect
    connect_3_1
    connect_3_1_1
    connect_deadline
    connect_rejected
    connect_wrong
    deliver
    deliver_too_large
    deliver_window
    drain
    expiry
    first_packet
    in_flight
    keep_alive
    message_expiry
    messages_3_1_1
    mixed_up
    problem_information
    publish
    publish_exactly_once
    publish_kept_session
    publish_refused
    publish_wrong
    receive_maximum
    resume
    second_connect
    server_keep_alive
    session_expiry
    subscribe
    subscribe_3_1_1
    takeover
    token
    unsubscribe_in_flight
    will
    wrong_3_1_1
    wrong_way
}

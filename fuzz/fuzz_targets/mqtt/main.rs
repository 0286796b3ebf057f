//! Any bytes as MQTT packets, read by this server's codec and by two others. Where they differ,
//! a row of `differences` says which clause is behind it; a difference without a row is a find.
#![no_main]

mod differences;
mod oracle;
mod same;

use anser_mqtt::{
    Version,
    codec::{self, Packet, Raw},
};
use libfuzzer_sys::fuzz_target;

use crate::oracle::{ORACLES, Oracle, Says};

/// Packets above it are refused; below it, anything may come.
const MAX: usize = 64 << 10;

fuzz_target!(|bytes: &[u8]| {
    let Some((&how, bytes)) = bytes.split_first() else { return };
    let version = if how & 1 == 0 { Version::V311 } else { Version::V5 };
    let Ok(Some(raw)) = codec::split(bytes, MAX) else { return };
    let ours = codec::read(raw, version);
    if let Ok(packet) = &ours {
        reads_back(packet, version);
    }
    for oracle in ORACLES {
        // The others are told beforehand which version a CONNECT will say.
        let version = match &ours {
            Ok(Packet::Connect(connect)) => connect.version,
            _ => version,
        };
        compare(oracle, raw, &bytes[..raw.len], version, ours.as_ref());
    }
});

/// What was read is written so that it reads the same.
fn reads_back(packet: &Packet<'_>, version: Version) {
    let mut written = Vec::new();
    codec::write(packet, version, &mut written);
    let raw = codec::split(&written, usize::MAX).unwrap().expect("a whole packet");
    assert_eq!(codec::read(raw, version).as_ref(), Ok(packet));
}

fn compare(
    oracle: &Oracle,
    raw: Raw<'_>,
    bytes: &[u8],
    version: Version,
    ours: Result<&Packet<'_>, &codec::CodecError>,
) {
    let theirs = oracle.says(bytes, version);
    let written = match &theirs {
        Says::Packet(written) => written,
        Says::Fault(error) => {
            if let Ok(packet) = ours {
                let known = differences::stricter(oracle.name, raw.packet_type, error);
                explained(known, oracle, "refuses", bytes, || format!("{error}: {packet:?}"));
            }
            return;
        }
    };
    match ours {
        Err(error) => {
            let known = differences::laxer(oracle.name, raw.packet_type, error.text);
            explained(known, oracle, "takes", bytes, || error.text.to_owned());
        }
        Ok(packet) => {
            let again = codec::split(written, usize::MAX)
                .ok()
                .flatten()
                .and_then(|raw| codec::read(raw, version).ok());
            if again.is_none_or(|again| !same::same(packet, &again)) {
                let known = differences::otherwise(oracle.name, raw.packet_type);
                explained(known, oracle, "reads", bytes, || format!("{packet:?} as {again:?}"));
            }
        }
    }
}

/// A difference has to have a clause behind it.
fn explained(
    clause: Option<&str>,
    oracle: &Oracle,
    does: &str,
    bytes: &[u8],
    what: impl FnOnce() -> String,
) {
    if clause.is_none() {
        panic!("{} {does} {bytes:02x?}: {}", oracle.name, what());
    }
}

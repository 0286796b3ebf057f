//! Two other codecs, behind one question.

use anser_mqtt::Version;
use bytes::BytesMut;
use tokio_util::codec::{Decoder as _, Encoder as _};

/// Another codec.
pub struct Oracle {
    /// The crate.
    pub name: &'static str,
    reads: fn(&[u8], Version) -> Says,
}

/// What it makes of the bytes of one packet.
pub enum Says {
    /// A packet, as it writes it itself.
    Packet(Vec<u8>),
    /// None.
    Fault(String),
}

/// Those that are asked.
pub const ORACLES: &[Oracle] = &[
    Oracle { name: "mqtt-proto", reads: mqtt_proto },
    Oracle { name: "rmqtt-codec", reads: rmqtt_codec },
];

impl Oracle {
    /// Reads the packet that `bytes` are.
    pub fn says(&self, bytes: &[u8], version: Version) -> Says {
        (self.reads)(bytes, version)
    }
}

/// A packet of which it wants more than there is.
const CUT: &str = "it wants more";

fn mqtt_proto(bytes: &[u8], version: Version) -> Says {
    let written = if version == Version::V5 {
        match mqtt_proto::v5::Packet::decode(bytes) {
            Ok(Some(packet)) => packet.encode().map_err(|error| error.to_string()),
            Ok(None) => Err(CUT.to_owned()),
            Err(error) => Err(error.to_string()),
        }
    } else {
        match mqtt_proto::v3::Packet::decode(bytes) {
            Ok(Some(packet)) => packet.encode().map_err(|error| error.to_string()),
            Ok(None) => Err(CUT.to_owned()),
            Err(error) => Err(error.to_string()),
        }
    };
    match written {
        Ok(written) => Says::Packet(written.as_ref().to_vec()),
        Err(error) => Says::Fault(error),
    }
}

fn rmqtt_codec(bytes: &[u8], version: Version) -> Says {
    let mut from = BytesMut::from(bytes);
    let mut to = BytesMut::new();
    let written = if version == Version::V5 {
        let mut codec = rmqtt_codec::v5::Codec::new(0, 0);
        match codec.decode(&mut from) {
            Ok(Some((packet, _))) => {
                // A codec that has not heard the client forbid it says why.
                let mut codec = rmqtt_codec::v5::Codec::new(0, 0);
                codec.encode(packet, &mut to).map_err(|error| error.to_string())
            }
            Ok(None) => Err(CUT.to_owned()),
            Err(error) => Err(error.to_string()),
        }
    } else {
        let mut codec = rmqtt_codec::v3::Codec::new(0);
        match codec.decode(&mut from) {
            Ok(Some((packet, _))) => {
                codec.encode(packet, &mut to).map_err(|error| error.to_string())
            }
            Ok(None) => Err(CUT.to_owned()),
            Err(error) => Err(error.to_string()),
        }
    };
    match written {
        Ok(()) => Says::Packet(to.to_vec()),
        Err(error) => Says::Fault(error),
    }
}

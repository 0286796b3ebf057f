//! CONNECT (MQTT 5 §3.1).

use super::{
    CodecError, PacketSet, PacketType, Properties, Property, QoS, Reason, Version,
    bytes::{Reader, put_binary, put_two},
    malformed, protocol, publish,
};

/// A client that wants to be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connect<'a> {
    /// The version it speaks.
    pub version: Version,
    /// Whether an earlier session of its is to be forgotten. Before MQTT 5 also: whether this one
    /// is, once the link is gone.
    pub clean_start: bool,
    /// Within one and a half times so many seconds it is heard of again; 0 is no promise.
    pub keep_alive: u16,
    /// None before MQTT 5.
    pub properties: Properties<'a>,
    /// What it calls itself; empty when the server is to find a name.
    pub client_id: &'a str,
    /// What is to be published when it goes without a word.
    pub will: Option<Will<'a>>,
    /// Who.
    pub user_name: Option<&'a str>,
    /// The proof.
    pub password: Option<&'a [u8]>,
}

/// A message for when the link is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Will<'a> {
    /// Its QoS.
    pub qos: QoS,
    /// Whether it is retained.
    pub retain: bool,
    /// None before MQTT 5.
    pub properties: Properties<'a>,
    /// Its topic.
    pub topic: &'a str,
    /// What it says.
    pub payload: &'a [u8],
}

const RESERVED: u8 = 0b0000_0001;
const CLEAN_START: u8 = 0b0000_0010;
const WILL: u8 = 0b0000_0100;
const WILL_QOS: u8 = 0b0001_1000;
const WILL_RETAIN: u8 = 0b0010_0000;
const PASSWORD: u8 = 0b0100_0000;
const USER_NAME: u8 = 0b1000_0000;

/// The version that a CONNECT's body says it speaks [MQTT-3.1.2-1] [MQTT-3.1.2-2].
pub(super) fn version(body: &[u8]) -> Result<Version, CodecError> {
    read_version(&mut Reader(body))
}

fn read_version(body: &mut Reader<'_>) -> Result<Version, CodecError> {
    let name = body.text()?;
    let level = body.byte()?;
    Version::ALL.into_iter().find(|version| version.on_the_wire() == (name, level)).ok_or(
        CodecError {
            reason: Reason::UnsupportedVersion,
            text: "a version that this server does not speak",
        },
    )
}

impl<'a> Connect<'a> {
    pub(super) fn read(body: &mut Reader<'a>, version: Version) -> Result<Self, CodecError> {
        read_version(body)?;
        let flags = body.byte()?;
        check(flags, version)?;
        let keep_alive = body.two()?;
        let properties = properties(body, version, PacketSet::of(PacketType::Connect))?;
        if properties.find(Property::AuthData).is_some()
            && properties.find(Property::AuthMethod).is_none()
        {
            return Err(protocol("authentication data without a method"));
        }
        // The order is the standard's [MQTT-3.1.3-1].
        let client_id = body.text()?;
        let will = if flags & WILL == 0 {
            None
        } else {
            Some(Will {
                qos: publish::qos((flags & WILL_QOS) >> 3)?,
                retain: flags & WILL_RETAIN != 0,
                properties: self::properties(body, version, PacketSet::WILL)?,
                topic: body.text()?,
                payload: body.binary()?,
            })
        };
        // In 3.1 the packet's length outweighs these two flags: what is not there was not meant.
        let there = |flag, body: &Reader<'_>| {
            flags & flag != 0 && !(version == Version::V31 && body.is_empty())
        };
        let user_name = if there(USER_NAME, body) { Some(body.text()?) } else { None };
        let password = if there(PASSWORD, body) { Some(body.binary()?) } else { None };
        Ok(Self {
            version,
            clean_start: flags & CLEAN_START != 0,
            keep_alive,
            properties,
            client_id,
            will,
            user_name,
            password,
        })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        let (name, level) = self.version.on_the_wire();
        put_binary(out, name.as_bytes());
        out.push(level);
        out.push(self.flags());
        put_two(out, self.keep_alive);
        if self.version == Version::V5 {
            self.properties.put(out);
        }
        put_binary(out, self.client_id.as_bytes());
        if let Some(will) = &self.will {
            if self.version == Version::V5 {
                will.properties.put(out);
            }
            put_binary(out, will.topic.as_bytes());
            put_binary(out, will.payload);
        }
        if let Some(user_name) = self.user_name {
            put_binary(out, user_name.as_bytes());
        }
        if let Some(password) = self.password {
            put_binary(out, password);
        }
    }

    fn flags(&self) -> u8 {
        let bit = |set, flag| if set { flag } else { 0 };
        bit(self.clean_start, CLEAN_START)
            | bit(self.user_name.is_some(), USER_NAME)
            | bit(self.password.is_some(), PASSWORD)
            | self
                .will
                .map_or(0, |will| WILL | (will.qos as u8) << 3 | bit(will.retain, WILL_RETAIN))
    }
}

fn properties<'a>(
    body: &mut Reader<'a>,
    version: Version,
    packet: PacketSet,
) -> Result<Properties<'a>, CodecError> {
    if version == Version::V5 { Properties::read(body, packet) } else { Ok(Properties::NONE) }
}

fn check(flags: u8, version: Version) -> Result<(), CodecError> {
    // [MQTT-3.1.2-3]
    if flags & RESERVED != 0 {
        return Err(malformed("the reserved flag is set"));
    }
    // [MQTT-3.1.2-11] [MQTT-3.1.2-13]
    if flags & WILL == 0 && flags & (WILL_QOS | WILL_RETAIN) != 0 {
        return Err(malformed("flags of a will, and no will"));
    }
    // [MQTT-3.1.2-22 of 3.1.1]; MQTT 5 lets a password stand alone.
    if version < Version::V5 && flags & (USER_NAME | PASSWORD) == PASSWORD {
        return Err(malformed("a password without a user name"));
    }
    Ok(())
}

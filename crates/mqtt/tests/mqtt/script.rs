//! Packets as words, for transcripts:
//!
//! ```text
//! CONNECT 5.0 client=phone clean user=alice password=pw keep-alive=60 receive-maximum=2
//! PUBLISH a/b hello qos1 #7 topic-alias=1
//! SUBSCRIBE #1 a/+:1,no-local b:0
//! PUBACK #7 00 reason-string=the words of a property stand last
//! ```
//!
//! Reason codes are two hex digits, properties have their name in the standard.

use std::fmt::Write as _;

use anser_mqtt::{PROPERTIES, Property, Reason, Version, codec::*};

/// The bytes of a client's packet, in `version`; a CONNECT says its own.
pub(crate) fn bytes(line: &str, version: &mut Version) -> Vec<u8> {
    let mut words = line.split(' ');
    let name = words.next().unwrap();
    let words: Vec<&str> = words.collect();
    if name == "CONNECT" {
        *version = Version::ALL.into_iter().find(|known| known.to_string() == words[0]).unwrap();
    }
    let properties = properties(&words, "");
    let properties = properties.as_properties();
    let has = |flag: &str| words.contains(&flag);
    let value = |key: &str| {
        words.iter().find_map(|word| word.strip_prefix(key).and_then(|rest| rest.strip_prefix('=')))
    };
    let id =
        words.iter().find_map(|word| word.strip_prefix('#')).map_or(0, |id| id.parse().unwrap());
    let qos = if has("qos2") {
        QoS::ExactlyOnce
    } else if has("qos1") {
        QoS::AtLeastOnce
    } else {
        QoS::AtMostOnce
    };
    let reason = || {
        let hex = |word: &&&str| word.len() == 2 && !word.starts_with('#');
        let code = words.iter().find(hex).map_or(0, |word| u8::from_str_radix(word, 16).unwrap());
        Reason::from_code(code).unwrap()
    };
    let ack = || Ack { id, reason: reason(), properties };
    let will_properties = self::properties(&words, "will-");
    let mut list = Vec::new();
    let packet = match name {
        "CONNECT" => Packet::Connect(Connect {
            version: *version,
            clean_start: has("clean"),
            keep_alive: value("keep-alive").map_or(0, |value| value.parse().unwrap()),
            properties,
            client_id: value("client").unwrap_or_default(),
            will: value("will").map(|will| {
                let (topic, payload) = will.split_once(':').unwrap();
                let properties = will_properties.as_properties();
                let (retain, payload) = (has("will-retain"), payload.as_bytes());
                Will { qos, retain, properties, topic, payload }
            }),
            user_name: value("user"),
            password: value("password").map(str::as_bytes),
        }),
        "PUBLISH" => Packet::Publish(Publish {
            dup: has("dup"),
            qos,
            retain: has("retain"),
            topic: if words[0] == "-" { "" } else { words[0] },
            id,
            properties,
            payload: words[1].as_bytes(),
        }),
        "PUBACK" => Packet::PubAck(ack()),
        "PUBREC" => Packet::PubRec(ack()),
        "PUBREL" => Packet::PubRel(ack()),
        "PUBCOMP" => Packet::PubComp(ack()),
        "SUBSCRIBE" => {
            for word in words.iter().filter(|word| word.contains(':')) {
                let (filter, options) = word.rsplit_once(':').unwrap();
                let mut parts = options.split(',');
                let qos = match parts.next() {
                    Some("0") => QoS::AtMostOnce,
                    Some("1") => QoS::AtLeastOnce,
                    _ => QoS::ExactlyOnce,
                };
                let options =
                    parts.fold(Options { qos, ..Options::default() }, |options, part| match part {
                        "no-local" => Options { no_local: true, ..options },
                        "as-published" => Options { retain_as_published: true, ..options },
                        "if-new" => {
                            Options { retain_handling: RetainHandling::SendIfNew, ..options }
                        }
                        "never" => {
                            Options { retain_handling: RetainHandling::DoNotSend, ..options }
                        }
                        _ => panic!("{part}: no such option"),
                    });
                Requests::put(&mut list, filter, options, *version);
            }
            let requests = Requests::checked(&list, *version).unwrap();
            Packet::Subscribe(Subscribe { id, properties, requests })
        }
        "UNSUBSCRIBE" => {
            for word in words.iter().filter(|word| !word.starts_with('#')) {
                Filters::put(&mut list, word);
            }
            let filters = Filters::checked(&list).unwrap();
            Packet::Unsubscribe(Unsubscribe { id, properties, filters })
        }
        "PINGREQ" => Packet::PingReq,
        "DISCONNECT" => Packet::Disconnect(Disconnect { reason: reason(), properties }),
        "AUTH" => Packet::Auth(Auth { reason: reason(), properties }),
        "CONNACK" => {
            Packet::ConnAck(ConnAck { session_present: false, reason: reason(), properties })
        }
        "SUBACK" => Packet::SubAck(SubAck { id, properties, codes: &[0] }),
        "UNSUBACK" => Packet::UnsubAck(UnsubAck { id, properties, codes: &[0] }),
        "PINGRESP" => Packet::PingResp,
        _ => panic!("{name}: no such packet"),
    };
    let mut out = Vec::new();
    write(&packet, *version, &mut out);
    out
}

/// A property's name as a word.
fn word(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}

fn properties(words: &[&str], prefix: &str) -> PropertyBuf {
    let mut buf = PropertyBuf::default();
    for given in words {
        let Some((key, value)) = given.strip_prefix(prefix).and_then(|it| it.split_once('='))
        else {
            continue;
        };
        let Some(row) = PROPERTIES.iter().find(|row| word(row.name) == key) else { continue };
        let property = Property::from_number(row.number.into()).unwrap();
        let number = || value.parse::<u32>().unwrap();
        buf.put(
            property,
            match row.kind {
                Kind::Byte => Value::Byte(number() as u8),
                Kind::Two => Value::Two(number() as u16),
                Kind::Four => Value::Four(number()),
                Kind::Varint => Value::Varint(number()),
                Kind::Text => Value::Text(value),
                Kind::Binary => Value::Binary(value.as_bytes()),
                Kind::Pair => {
                    let (name, value) = value.split_once(':').unwrap();
                    Value::Pair(name, value)
                }
            },
        );
    }
    buf
}

/// A server's packet as words.
pub(crate) fn words(packet: &Packet<'_>) -> String {
    let row = packet.packet_type().row();
    let mut text = row.name.to_owned();
    let properties = match packet {
        Packet::ConnAck(ack) => {
            let _ = write!(text, " {:02x}", ack.reason.code());
            if ack.session_present {
                text.push_str(" present");
            }
            ack.properties
        }
        Packet::Publish(publish) => {
            let topic = if publish.topic.is_empty() { "-" } else { publish.topic };
            let _ = write!(text, " {topic} {}", String::from_utf8_lossy(publish.payload));
            if publish.qos != QoS::AtMostOnce {
                let _ = write!(text, " qos{} #{}", publish.qos as u8, publish.id);
            }
            for (flag, set) in [(" dup", publish.dup), (" retain", publish.retain)] {
                text.push_str(if set { flag } else { "" });
            }
            publish.properties
        }
        Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => {
            let _ = write!(text, " #{} {:02x}", ack.id, ack.reason.code());
            ack.properties
        }
        Packet::SubAck(SubAck { id, codes, properties })
        | Packet::UnsubAck(UnsubAck { id, codes, properties }) => {
            let _ = write!(text, " #{id}");
            for code in *codes {
                let _ = write!(text, " {code:02x}");
            }
            *properties
        }
        Packet::Disconnect(Disconnect { reason, properties })
        | Packet::Auth(Auth { reason, properties }) => {
            let _ = write!(text, " {:02x}", reason.code());
            *properties
        }
        Packet::PingResp => Properties::NONE,
        _ => panic!("{} is no server's packet", row.name),
    };
    for (property, value) in properties.iter() {
        let _ = write!(text, " {}=", word(property.row().name));
        let _ = match value {
            Value::Byte(value) => write!(text, "{value}"),
            Value::Two(value) => write!(text, "{value}"),
            Value::Four(value) | Value::Varint(value) => write!(text, "{value}"),
            Value::Text(value) => write!(text, "{value}"),
            Value::Binary(value) => write!(text, "{}", String::from_utf8_lossy(value)),
            Value::Pair(name, value) => write!(text, "{name}:{value}"),
        };
    }
    text
}

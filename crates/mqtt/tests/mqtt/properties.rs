//! What holds of every packet.

use anser_domain::Outbox;
use anser_mqtt::{Property, Reason, codec::*};
use proptest::prelude::*;

use crate::any::parts;

const MAX: usize = 1 << 20;

proptest! {
    #[test]
    fn any_packet_of_any_version_reads_as_it_was_written(parts in parts()) {
        parts.packet(|packet| {
            let mut bytes = Vec::new();
            write(packet, parts.version, &mut bytes);
            let raw = split(&bytes, MAX).unwrap().unwrap();
            prop_assert_eq!(raw.len, bytes.len());
            let back = read(raw, parts.version);
            prop_assert_eq!(back, Ok(*packet));
            Ok(())
        })?;
    }

    #[test]
    fn a_packet_that_is_cut_anywhere_asks_for_more(parts in parts()) {
        let mut bytes = Vec::new();
        parts.packet(|packet| write(packet, parts.version, &mut bytes));
        for cut in 0..bytes.len() {
            prop_assert_eq!(split(&bytes[..cut], MAX), Ok(None), "cut at {}", cut);
        }
    }

    /// A body that is shorter than its fields, under a length that is right.
    #[test]
    fn a_body_that_is_cut_anywhere_is_a_fault_or_another_packet(parts in parts()) {
        let mut bytes = Vec::new();
        parts.packet(|packet| write(packet, parts.version, &mut bytes));
        let raw = split(&bytes, MAX).unwrap().unwrap();
        for cut in 0..raw.body.len() {
            let raw = Raw { body: &raw.body[..cut], ..raw };
            if let Err(error) = read(raw, parts.version) {
                prop_assert!(error.reason.is_failure());
            }
        }
    }

    #[test]
    fn any_bytes_are_a_packet_a_fault_or_too_few(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        version in prop::sample::select(&Version::ALL[..]),
    ) {
        if let Ok(Some(raw)) = split(&bytes, MAX)
            && let Ok(packet) = read(raw, version)
        {
            let mut again = Vec::new();
            write(&packet, version, &mut again);
            prop_assert!(!again.is_empty());
        }
    }

    /// What goes to many is what each would have been written alone.
    #[test]
    fn onward_is_a_publish_byte_for_byte(parts in parts(), own in 0..3_u32) {
        if parts.packet_type != PacketType::Publish {
            return Ok(());
        }
        parts.packet(|packet| {
            let Packet::Publish(publish) = *packet else { unreachable!() };
            let payload = bytes::Bytes::copy_from_slice(publish.payload);
            let onward = Onward {
                version: parts.version,
                topic: publish.topic,
                properties: publish.properties,
                payload: &payload,
            };
            let mut ids = PropertyBuf::default();
            for n in 0..own {
                ids.put(Property::SubscriptionId, Value::Varint(n + 1));
            }
            let stamp = Stamp {
                dup: publish.dup,
                qos: publish.qos,
                retain: publish.retain,
                id: publish.id,
                bare: false,
                properties: ids.as_properties(),
            };
            let mut out = Outbox::default();
            onward.put(&stamp, &mut out);
            let sent: Vec<u8> = out.segments().flatten().copied().collect();
            prop_assert_eq!(sent.len(), onward.len(&stamp));
            let raw = split(&sent, MAX).unwrap().unwrap();
            let Ok(Packet::Publish(back)) = read(raw, parts.version) else { panic!("{sent:x?}") };
            let kept: Vec<_> = back.properties.iter().skip(if parts.version == Version::V5 {
                own as usize
            } else {
                0
            }).collect();
            prop_assert_eq!(kept, publish.properties.iter().collect::<Vec<_>>());
            let rest = Publish { properties: publish.properties, ..back };
            prop_assert_eq!(rest, publish);
            Ok(())
        })?;
    }
}

#[test]
fn a_failure_that_a_version_has_no_word_for_is_written_as_one_that_it_has() {
    let ack = Packet::SubAck(SubAck {
        id: 1,
        properties: Properties::default(),
        codes: &[2, Reason::NotAuthorized.code()],
    });
    let mut bytes = Vec::new();
    write(&ack, Version::V311, &mut bytes);
    assert_eq!(bytes, [0x90, 4, 0, 1, 2, 0x80]);
}

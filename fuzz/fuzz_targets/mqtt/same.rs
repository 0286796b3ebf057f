//! Whether two packets say the same, though one of them has been through another codec: that
//! keeps properties in an order of its own, and leaves out those that say what is meant without
//! them.

use anser_mqtt::{
    Property,
    codec::{Packet, Properties, Value},
};

/// Values that mean the same as no property at all.
const DEFAULTS: &[(Property, u32)] = &[
    // MQTT 5 §3.1.2.11
    (Property::SessionExpiry, 0),
    (Property::ReceiveMaximum, 65_535),
    (Property::TopicAliasMaximum, 0),
    (Property::RequestResponse, 0),
    (Property::RequestProblem, 1),
    // §3.1.3.2
    (Property::WillDelay, 0),
    (Property::PayloadFormat, 0),
    // §3.2.2.3
    (Property::RetainAvailable, 1),
    (Property::WildcardAvailable, 1),
    (Property::SubscriptionIdAvailable, 1),
    (Property::SharedAvailable, 1),
];

/// Whether they do.
pub fn same(a: &Packet<'_>, b: &Packet<'_>) -> bool {
    let (a, a_properties) = parts(*a);
    let (b, b_properties) = parts(*b);
    a == b && a_properties == b_properties
}

/// A packet without its properties, and these.
fn parts(mut packet: Packet<'_>) -> (Packet<'_>, Vec<String>) {
    let mut all = Vec::new();
    let mut take = |properties: &mut Properties<'_>, of: &str| {
        let taken = std::mem::take(properties);
        all.extend(taken.iter().filter(meant).map(|found| format!("{of} {found:?}")));
    };
    match &mut packet {
        Packet::Connect(connect) => {
            take(&mut connect.properties, "own");
            if let Some(will) = &mut connect.will {
                take(&mut will.properties, "will");
            }
        }
        Packet::ConnAck(ack) => take(&mut ack.properties, "own"),
        Packet::Publish(publish) => take(&mut publish.properties, "own"),
        Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => {
            take(&mut ack.properties, "own");
        }
        Packet::Subscribe(subscribe) => take(&mut subscribe.properties, "own"),
        Packet::SubAck(ack) => take(&mut ack.properties, "own"),
        Packet::Unsubscribe(unsubscribe) => take(&mut unsubscribe.properties, "own"),
        Packet::UnsubAck(ack) => take(&mut ack.properties, "own"),
        Packet::Disconnect(disconnect) => take(&mut disconnect.properties, "own"),
        Packet::Auth(auth) => take(&mut auth.properties, "own"),
        Packet::PingReq | Packet::PingResp => {}
    }
    all.sort();
    (packet, all)
}

fn meant((property, value): &(Property, Value<'_>)) -> bool {
    let number = match value {
        Value::Byte(value) => u32::from(*value),
        Value::Two(value) => u32::from(*value),
        Value::Four(value) | Value::Varint(value) => *value,
        Value::Text(_) | Value::Binary(_) | Value::Pair(..) => return true,
    };
    !DEFAULTS.contains(&(*property, number))
}

//! What the client wants to hear: SUBSCRIBE and UNSUBSCRIBE (MQTT 5 §3.8 to 3.11).

use anser_domain::{
    Fault, QoS, Refusal, Retained, Subscribe as Wanted, TopicCommand, TopicFilter, TopicReply,
};

use super::{online::Online, refusal, style::misbehaved, tag::Asked, words::Turn};
use crate::{
    Property, Reason,
    codec::{
        Options, Packet, PacketType, Properties, RetainHandling, SubAck, Subscribe, UnsubAck,
        Unsubscribe,
    },
    limits::Limits,
};

impl Online {
    /// A SUBSCRIBE.
    pub(super) fn subscribe(
        &mut self,
        limits: &Limits,
        subscribe: &Subscribe<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        let parts = self.count(limits, subscribe.requests.iter().count(), turn)?;
        let filters = subscribe.requests.iter().map(|(text, options)| filter(text, options));
        let filters = filters.collect();
        let id = subscribe.properties.number(Property::SubscriptionId);
        let command = TopicCommand::Subscribe(Box::new(Wanted { id, filters }));
        self.ask(limits, Asked::Subscribe, (subscribe.id, parts), command, turn);
        Ok(())
    }

    /// An UNSUBSCRIBE.
    pub(super) fn unsubscribe(
        &mut self,
        limits: &Limits,
        unsubscribe: &Unsubscribe<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        let parts = self.count(limits, unsubscribe.filters.iter().count(), turn)?;
        let filters = unsubscribe.filters.iter().map(Box::from).collect();
        let command = TopicCommand::Unsubscribe(filters);
        self.ask(limits, Asked::Unsubscribe, (unsubscribe.id, parts), command, turn);
        Ok(())
    }

    /// How many filters there are, if not too many.
    fn count(&self, limits: &Limits, count: usize, turn: &mut Turn<'_>) -> Result<u16, Fault> {
        match u16::try_from(count) {
            Ok(count) if count <= limits.max_filters => Ok(count),
            _ => {
                let text = "too many filters in one packet";
                Err(self.style.end(turn, &misbehaved(Reason::QuotaExceeded, text)))
            }
        }
    }

    /// Says SUBACK: a code for each filter, in its place [MQTT-3.8.4-6] [MQTT-3.9.3-1].
    pub(super) fn subscribed(
        &mut self,
        id: u16,
        parts: u16,
        reply: &TopicReply,
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        let code = |refusal: &Refusal| refusal::reason(refusal, PacketType::SubAck).code();
        let codes = match reply {
            TopicReply::Subscribed(granted) => granted
                .iter()
                .map(|granted| match granted {
                    // [MQTT-3.8.4-7]
                    Ok(QoS::AtMostOnce) => Reason::Success.code(),
                    Ok(QoS::AtLeastOnce) => Reason::GrantedQoS1.code(),
                    Ok(QoS::ExactlyOnce) => Reason::GrantedQoS2.code(),
                    Err(refusal) => code(refusal),
                })
                .collect(),
            TopicReply::Refused(refusal) => vec![code(refusal); parts.into()],
            _ => vec![code(&Refusal::Unavailable); parts.into()],
        };
        let properties = Properties::NONE;
        self.style.put(turn, &Packet::SubAck(SubAck { id, properties, codes: &codes }));
        Ok(())
    }

    /// Says UNSUBACK, likewise [MQTT-3.10.4-5] [MQTT-3.11.3-1].
    pub(super) fn unsubscribed(
        &mut self,
        id: u16,
        parts: u16,
        reply: &TopicReply,
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        let refusal = match reply {
            TopicReply::Unsubscribed(were) => {
                let code = |was: &bool| match *was {
                    true => Reason::Success.code(),
                    false => Reason::NoSubscriptionExisted.code(),
                };
                let codes: Vec<u8> = were.iter().map(code).collect();
                self.unsuback(id, &codes, turn);
                return Ok(());
            }
            TopicReply::Refused(refusal) => refusal,
            _ => &Refusal::Unavailable,
        };
        // Earlier versions know no UNSUBACK that fails.
        if !self.style.is_v5() {
            return Err(Fault::Refused(refusal.clone()));
        }
        let code = refusal::reason(refusal, PacketType::UnsubAck).code();
        self.unsuback(id, &vec![code; parts.into()], turn);
        Ok(())
    }

    fn unsuback(&self, id: u16, codes: &[u8], turn: &mut Turn<'_>) {
        let properties = Properties::NONE;
        self.style.put(turn, &Packet::UnsubAck(UnsubAck { id, properties, codes }));
    }
}

fn filter(text: &str, options: Options) -> TopicFilter {
    TopicFilter {
        filter: text.into(),
        qos: options.qos,
        no_local: options.no_local,
        retain_as_published: options.retain_as_published,
        retained: match options.retain_handling {
            RetainHandling::Send => Retained::Always,
            RetainHandling::SendIfNew => Retained::IfNew,
            RetainHandling::DoNotSend => Retained::Never,
        },
    }
}

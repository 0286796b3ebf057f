//! What is on its way in a session, in both directions: packet ids, acknowledgements and what is
//! owed (MQTT 5 §4.3, 4.4, 4.6 and 4.9).

use std::collections::{BTreeMap, VecDeque};

use crate::{Reason, codec::QoS};

/// Messages to the client that it has not acknowledged whole, in the order in which they were
/// sent. `T` is what the session needs to know of one when it is over.
#[derive(Clone, Debug)]
pub struct Outbound<T> {
    /// How many may be on their way: what the client's Receive Maximum says, or less.
    quota: u16,
    last: u16,
    flights: VecDeque<Flight<T>>,
}

#[derive(Clone, Debug)]
struct Flight<T> {
    id: u16,
    awaits: Awaits,
    message: T,
}

/// What a message still wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaits {
    /// PUBACK: it went out with `QoS` 1.
    Ack,
    /// PUBREC: it went out with `QoS` 2.
    Rec,
    /// PUBCOMP: the client has the message, and the server has only to say that it knows.
    Comp,
}

/// What a PUBREC leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received<T> {
    /// The message is the client's now: answer with PUBREL [MQTT-4.3.3-4].
    Release(T),
    /// The client does not want it, and it is over [MQTT-4.4.0-2].
    Over(T),
    /// No such packet id: answer with PUBREL and [`Reason::PacketIdNotFound`].
    Unknown,
}

/// The packet id of the message at this place of a session's queue, which begins at 1. Because
/// the place outlives links and processes, the id does; no more than 65,535 messages in a row have
/// different ones, so that the next has to wait for the first.
#[must_use]
pub fn id_of(place: u64) -> u16 {
    let at = place.saturating_sub(1) % u64::from(u16::MAX);
    u16::try_from(at).unwrap_or_default().saturating_add(1)
}

impl<T: Copy> Outbound<T> {
    /// Nothing on its way, and room for `quota`, which the standard does not let be 0
    /// [MQTT-4.9.0-1].
    #[must_use]
    pub fn new(quota: u16) -> Self {
        Self { quota: quota.max(1), last: 0, flights: VecDeque::new() }
    }

    /// How many more may be sent now [MQTT-3.3.4-9].
    #[must_use]
    pub fn room(&self) -> u16 {
        let used = u16::try_from(self.flights.len()).unwrap_or(u16::MAX);
        self.quota.saturating_sub(used)
    }

    /// Takes a packet id for a message, one that nothing on its way has [MQTT-2.2.1-4]; `None`
    /// when the quota is used up [MQTT-4.9.0-2], or at QoS 0, which has none.
    pub fn send(&mut self, qos: QoS, message: T) -> Option<u16> {
        if self.room() == 0 {
            return None;
        }
        // There are fewer on their way than ids, or there would be no room.
        let mut id = following(self.last);
        while self.has(id) {
            id = following(id);
        }
        self.last = id;
        self.put(id, qos, message)
    }

    /// Sends a message under an id of its own: `None` as above, and while another has it.
    pub fn send_as(&mut self, id: u16, qos: QoS, message: T) -> Option<u16> {
        if self.room() == 0 || self.has(id) { None } else { self.put(id, qos, message) }
    }

    /// A message that the client had over an earlier link: what is owed is its PUBREL.
    pub fn owe(&mut self, id: u16, message: T) {
        if !self.has(id) {
            self.flights.push_back(Flight { id, awaits: Awaits::Comp, message });
        }
    }

    /// A PUBACK: the message that is over, if it is one.
    pub fn puback(&mut self, id: u16) -> Option<T> {
        self.take(id, Awaits::Ack)
    }

    /// A PUBREC with this reason.
    pub fn pubrec(&mut self, id: u16, reason: Reason) -> Received<T> {
        if reason.is_failure() {
            return self.take(id, Awaits::Rec).map_or(Received::Unknown, Received::Over);
        }
        match self.flights.iter_mut().find(|flight| flight.id == id) {
            // At PUBCOMP: said before, and said again.
            Some(flight) if flight.awaits != Awaits::Ack => {
                flight.awaits = Awaits::Comp;
                Received::Release(flight.message)
            }
            _ => Received::Unknown,
        }
    }

    /// A PUBCOMP: the message that is over, if it is one.
    pub fn pubcomp(&mut self, id: u16) -> Option<T> {
        self.take(id, Awaits::Comp)
    }

    fn has(&self, id: u16) -> bool {
        self.flights.iter().any(|flight| flight.id == id)
    }

    fn put(&mut self, id: u16, qos: QoS, message: T) -> Option<u16> {
        let awaits = match qos {
            QoS::AtMostOnce => return None,
            QoS::AtLeastOnce => Awaits::Ack,
            QoS::ExactlyOnce => Awaits::Rec,
        };
        self.flights.push_back(Flight { id, awaits, message });
        Some(id)
    }

    fn take(&mut self, id: u16, awaits: Awaits) -> Option<T> {
        // Acknowledgements come in order, so that it is the first one, nearly always.
        let is = |flight: &Flight<T>| flight.id == id && flight.awaits == awaits;
        let at = self.flights.iter().position(is)?;
        self.flights.remove(at).map(|flight| flight.message)
    }
}

/// Ids go round and leave out 0.
fn following(id: u16) -> u16 {
    id.checked_add(1).unwrap_or(1)
}

/// Messages from the client that it has not been told the end of.
#[derive(Clone, Debug)]
pub struct Inbound {
    /// How many may be on their way: the Receive Maximum that the server has said.
    quota: u16,
    flights: BTreeMap<u16, Taken>,
}

/// How far a message from the client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    /// It is being stored.
    Storing(QoS),
    /// PUBREC is said, and PUBREL not yet.
    Received,
}

/// What to do with a PUBLISH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Store it, and then say so.
    New,
    /// It is the client's second time, and the server has it: say PUBREC again and no more
    /// [MQTT-4.3.3-10].
    Received,
    /// It is being stored: the answer to the first time answers this one.
    Storing,
    /// Another message has its id.
    InUse,
    /// More than the server said it would take: [`Reason::ReceiveMaximumExceeded`].
    TooMany,
}

impl Inbound {
    /// Nothing on its way, and room for `quota`.
    #[must_use]
    pub fn new(quota: u16) -> Self {
        Self { quota: quota.max(1), flights: BTreeMap::new() }
    }

    /// A PUBLISH of QoS 1 or 2 with this id; at QoS 0 it is always new.
    pub fn publish(&mut self, qos: QoS, id: u16) -> Arrival {
        if qos == QoS::AtMostOnce {
            return Arrival::New;
        }
        match self.flights.get(&id) {
            Some(Taken::Received) if qos == QoS::ExactlyOnce => Arrival::Received,
            Some(Taken::Storing(QoS::ExactlyOnce)) if qos == QoS::ExactlyOnce => Arrival::Storing,
            Some(_) => Arrival::InUse,
            None if self.flights.len() >= self.quota.into() => Arrival::TooMany,
            None => {
                self.flights.insert(id, Taken::Storing(qos));
                Arrival::New
            }
        }
    }

    /// The message with this id is stored, or `failed` to be: PUBACK or PUBREC may be said. Only a
    /// message of QoS 2 that is stored is remembered; any other PUBLISH with its id is a new
    /// message [MQTT-4.3.2-5] [MQTT-4.3.3-9].
    pub fn stored(&mut self, id: u16, failed: bool) {
        match self.flights.get_mut(&id) {
            Some(taken @ Taken::Storing(QoS::ExactlyOnce)) if !failed => *taken = Taken::Received,
            Some(Taken::Storing(_)) => {
                self.flights.remove(&id);
            }
            Some(Taken::Received) | None => {}
        }
    }

    /// A PUBREL: whether there was such a message. PUBCOMP answers it either way
    /// [MQTT-4.3.3-11], with [`Reason::PacketIdNotFound`] where there was none, and the id is
    /// free again [MQTT-4.3.3-12].
    pub fn release(&mut self, id: u16) -> bool {
        match self.flights.get(&id) {
            Some(Taken::Received) => self.flights.remove(&id).is_some(),
            Some(Taken::Storing(_)) | None => false,
        }
    }

    /// A message that came over an earlier link, and whose PUBREL has not come.
    pub fn restore(&mut self, id: u16) {
        self.flights.insert(id, Taken::Received);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use QoS::{AtLeastOnce, ExactlyOnce};

    #[test]
    fn a_message_of_qos_2_takes_both_steps_once() {
        let mut outbound = Outbound::new(10);
        assert_eq!(outbound.send(AtLeastOnce, "a"), Some(1));
        assert_eq!(outbound.send(ExactlyOnce, "b"), Some(2));
        assert_eq!(outbound.pubrec(2, Reason::Success), Received::Release("b"));
        assert_eq!(outbound.pubrec(2, Reason::Success), Received::Release("b"), "said again");
        assert_eq!(outbound.pubcomp(2), Some("b"));
        assert_eq!(outbound.pubcomp(2), None);
        assert_eq!(outbound.puback(1), Some("a"));
        assert_eq!(outbound.puback(1), None);
    }

    #[test]
    fn a_place_in_the_queue_is_an_id_whatever_comes_between() {
        assert_eq!([1, 2, 65_535, 65_536, 131_071].map(id_of), [1, 2, 65_535, 1, 1]);
        let mut outbound = Outbound::new(10);
        outbound.owe(id_of(1), 1);
        assert_eq!(outbound.send_as(id_of(2), AtLeastOnce, 2), Some(2));
        assert_eq!(outbound.send_as(id_of(65_536), ExactlyOnce, 65_536), None, "1 is owed");
        assert_eq!(outbound.pubcomp(1), Some(1));
        assert_eq!(outbound.send_as(id_of(65_536), ExactlyOnce, 65_536), Some(1));
    }

    #[test]
    fn an_acknowledgement_of_the_wrong_kind_ends_nothing() {
        let mut outbound = Outbound::new(10);
        outbound.send(AtLeastOnce, "a");
        outbound.send(ExactlyOnce, "b");
        assert_eq!(outbound.pubrec(1, Reason::Success), Received::Unknown);
        assert_eq!(outbound.pubcomp(1), None);
        assert_eq!(outbound.puback(2), None);
        assert_eq!(outbound.pubcomp(2), None, "not before PUBREC");
        assert_eq!(outbound.pubrec(9, Reason::Success), Received::Unknown);
        assert_eq!(outbound.puback(1), Some("a"));
        assert_eq!(outbound.pubrec(2, Reason::Success), Received::Release("b"));
    }

    #[test]
    fn a_client_that_does_not_want_a_message_frees_its_id() {
        let mut outbound = Outbound::new(1);
        assert_eq!(outbound.send(ExactlyOnce, "a"), Some(1));
        assert_eq!(outbound.pubrec(1, Reason::QuotaExceeded), Received::Over("a"));
        assert_eq!(outbound.send(ExactlyOnce, "b"), Some(2));
    }

    #[test]
    fn no_more_is_on_its_way_than_the_client_takes() {
        let mut outbound = Outbound::new(2);
        assert_eq!(outbound.send(AtLeastOnce, 1), Some(1));
        assert_eq!(outbound.send(ExactlyOnce, 2), Some(2));
        assert_eq!(outbound.send(AtLeastOnce, 3), None);
        assert_eq!(outbound.pubrec(2, Reason::Success), Received::Release(2));
        assert_eq!(outbound.room(), 0, "PUBREC does not end it");
        assert_eq!(outbound.pubcomp(2), Some(2));
        assert_eq!(outbound.send(AtLeastOnce, 3), Some(3));
    }

    #[test]
    fn ids_on_their_way_are_passed_over_when_they_come_round() {
        let mut outbound = Outbound::new(3);
        assert_eq!(outbound.send(ExactlyOnce, 0), Some(1));
        assert_eq!(outbound.send(ExactlyOnce, 0), Some(2));
        for id in 3..=u16::MAX {
            assert_eq!(outbound.send(AtLeastOnce, 0), Some(id));
            assert_eq!(outbound.puback(id), Some(0));
        }
        assert_eq!(outbound.send(AtLeastOnce, 0), Some(3), "0 is none, 1 and 2 are taken");
    }

    #[test]
    fn a_message_that_the_client_sends_twice_is_stored_once() {
        let mut inbound = Inbound::new(10);
        assert_eq!(inbound.publish(ExactlyOnce, 7), Arrival::New);
        assert_eq!(inbound.publish(ExactlyOnce, 7), Arrival::Storing);
        inbound.stored(7, false);
        assert_eq!(inbound.publish(ExactlyOnce, 7), Arrival::Received);
        let mut inbound = Inbound::new(10);
        inbound.restore(7);
        assert_eq!(inbound.publish(ExactlyOnce, 7), Arrival::Received, "over another link too");
        assert!(inbound.release(7));
        assert!(!inbound.release(7));
        assert_eq!(inbound.publish(ExactlyOnce, 7), Arrival::New, "its id is free");
    }

    #[test]
    fn what_was_refused_or_is_acknowledged_is_new_when_it_comes_again() {
        let mut inbound = Inbound::new(10);
        assert_eq!(inbound.publish(ExactlyOnce, 1), Arrival::New);
        inbound.stored(1, true);
        assert_eq!(inbound.publish(ExactlyOnce, 1), Arrival::New);
        assert_eq!(inbound.publish(AtLeastOnce, 2), Arrival::New);
        assert_eq!(inbound.publish(AtLeastOnce, 2), Arrival::InUse, "before its PUBACK");
        assert_eq!(inbound.publish(AtLeastOnce, 1), Arrival::InUse, "another message's");
        inbound.stored(2, false);
        assert_eq!(inbound.publish(AtLeastOnce, 2), Arrival::New);
        assert!(!inbound.release(2), "QoS 1 has no PUBREL");
    }

    #[test]
    fn a_client_may_not_have_more_on_its_way_than_it_was_told() {
        let mut inbound = Inbound::new(2);
        assert_eq!(inbound.publish(AtLeastOnce, 1), Arrival::New);
        assert_eq!(inbound.publish(ExactlyOnce, 2), Arrival::New);
        inbound.stored(2, false);
        assert_eq!(inbound.publish(ExactlyOnce, 3), Arrival::TooMany, "2 is not released");
        assert_eq!(inbound.publish(QoS::AtMostOnce, 0), Arrival::New);
        inbound.stored(1, false);
        assert_eq!(inbound.publish(ExactlyOnce, 3), Arrival::New);
    }
}

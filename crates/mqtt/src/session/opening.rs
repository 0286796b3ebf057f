//! The SM is asked whose link this is, and then for the session: CONNACK (MQTT 5 §3.2).

use anser_domain::{
    DeviceName, Fault, Millis, OpenTopics, Refusal, Reply, TopicCommand, TopicReply, TopicsOpened,
    UserName,
};

use super::{
    online::Online,
    refusal,
    style::Style,
    tag,
    words::{Answer, Ask, Turn},
};
use crate::{
    Property, Reason,
    codec::{ConnAck, Packet, PacketType, PropertyBuf, Value},
    limits::Limits,
};

/// What the client has asked for, kept until it is known who it is.
#[derive(Debug)]
pub(super) struct Connecting {
    pub(super) style: Style,
    pub(super) device: DeviceName,
    /// Who it says it is.
    pub(super) user: Option<UserName>,
    /// Whether the server has found the client's name.
    pub(super) assigned: bool,
    pub(super) keep_alive: u16,
    pub(super) tell_keep_alive: bool,
    pub(super) tell_expiry: bool,
    pub(super) receive_maximum: u16,
    pub(super) aliases: u16,
    pub(super) open: OpenTopics,
    /// When the credential ends; known once it has been looked at.
    pub(super) until: Millis,
}

/// The credential is being looked at.
#[derive(Debug)]
pub(super) struct LoggingIn(pub(super) Box<Connecting>);

/// The session is being looked up.
#[derive(Debug)]
pub(super) struct Opening(Box<Connecting>);

impl LoggingIn {
    /// The SM's answer.
    pub(super) fn answer(self, answer: &Answer, turn: &mut Turn<'_>) -> Result<Opening, Fault> {
        let mut connecting = self.0;
        match answer {
            Answer::Link(Reply::Welcome(welcome)) => {
                let user = connecting.user.as_ref();
                // A token names a user and a device; the CONNECT may not claim to be others.
                if welcome.device != connecting.device && !connecting.assigned
                    || user.is_some_and(|user| *user != welcome.user)
                {
                    return Err(connecting.refuse(&Refusal::BadCredentials, turn));
                }
                connecting.device = welcome.device.clone();
                connecting.until = welcome.until;
                let open = TopicCommand::Open(Box::new(connecting.open.clone()));
                turn.ask(tag::OPEN, Ask::Topics(open));
                Ok(Opening(connecting))
            }
            Answer::Link(Reply::Refused(refusal)) => Err(connecting.refuse(refusal, turn)),
            _ => Err(connecting.refuse(&Refusal::Unavailable, turn)),
        }
    }

    pub(super) fn connecting(&self) -> &Connecting {
        &self.0
    }
}

impl Opening {
    /// The SM's answer: says CONNACK, and then what the client had been sent before.
    pub(super) fn answer(
        self,
        limits: &Limits,
        answer: &Answer,
        turn: &mut Turn<'_>,
    ) -> Result<Online, Fault> {
        let connecting = self.0;
        match answer {
            Answer::Topics(TopicReply::Opened(opened)) => {
                if !connecting.accept(limits, opened, turn) {
                    let text = "the client takes no packet as long as its CONNACK";
                    return Err(Fault::Misbehaved(text));
                }
                Ok(Online::new(limits, &connecting, opened, turn))
            }
            Answer::Topics(TopicReply::Refused(refusal)) => Err(connecting.refuse(refusal, turn)),
            _ => Err(connecting.refuse(&Refusal::Unavailable, turn)),
        }
    }

    pub(super) fn connecting(&self) -> &Connecting {
        &self.0
    }
}

impl Connecting {
    /// Says why there will be no session.
    pub(super) fn say(&self, refusal: &Refusal, turn: &mut Turn<'_>) {
        let reason = refusal::reason(refusal, PacketType::ConnAck);
        self.style.refuse_connect(turn, reason, &refusal.to_string());
    }

    /// Says so, and ends the link [MQTT-3.2.2-7].
    pub(super) fn refuse(&self, refusal: &Refusal, turn: &mut Turn<'_>) -> Fault {
        self.say(refusal, turn);
        Fault::Refused(refusal.clone())
    }

    /// Says CONNACK, with what the client did not ask for as it is.
    fn accept(&self, limits: &Limits, opened: &TopicsOpened, turn: &mut Turn<'_>) -> bool {
        let mut properties = PropertyBuf::default();
        if self.tell_expiry {
            properties.put(Property::SessionExpiry, Value::Four(self.open.expiry));
        }
        properties.put(Property::ReceiveMaximum, Value::Two(limits.receive_maximum));
        let max = u32::try_from(limits.max_packet).unwrap_or(u32::MAX);
        properties.put(Property::MaximumPacketSize, Value::Four(max));
        // [MQTT-3.1.3-7] [MQTT-3.2.2-16]
        if self.assigned {
            properties.put(Property::AssignedClientId, Value::Text(self.device.as_str()));
        }
        properties.put(Property::TopicAliasMaximum, Value::Two(limits.aliases_in));
        // [MQTT-3.2.2-22]
        if self.tell_keep_alive {
            properties.put(Property::ServerKeepAlive, Value::Two(self.keep_alive));
        }
        // [MQTT-3.2.2-2] [MQTT-3.2.2-3]
        let session_present = opened.present && !self.open.clean;
        self.style.put(
            turn,
            &Packet::ConnAck(ConnAck {
                session_present,
                reason: Reason::Success,
                properties: properties.as_properties(),
            }),
        )
    }
}

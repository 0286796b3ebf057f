//! The link is open and nobody's: CONNECT (MQTT 5 §3.1).

use anser_domain::{
    Command, Credential, DeviceName, Fault, Login, Millis, OpenTopics, Refusal, Secret,
    TopicMessage, TopicWill, UserName,
};

use super::{
    opening::{Connecting, LoggingIn},
    publishing::passed_on,
    style::{Style, fault, misbehaved},
    tag,
    words::{Ask, Turn},
};
use crate::{
    Property, Reason, Version,
    codec::{self, CodecError, Connect, Packet, PacketType, Raw, Will},
    limits::Limits,
};

/// Nothing has been said; the one deadline runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExpectConnect {
    /// What a client that has no name is called.
    pub(super) unique: u128,
    /// Whether the path may carry a password.
    pub(super) trusted: bool,
}

impl ExpectConnect {
    /// The first packet.
    pub(super) fn packet(
        self,
        limits: &Limits,
        raw: Raw<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<LoggingIn, Fault> {
        // [MQTT-3.1.0-1]; whoever says something else does not know the protocol.
        if raw.packet_type != PacketType::Connect {
            return Err(Fault::Misbehaved("CONNECT comes first"));
        }
        // A version that is not known is told so in the words that all understand.
        let style = Style::new(codec::version(raw).unwrap_or(Version::V311));
        // [MQTT-3.1.4-1]
        let connect = match codec::read(raw, style.version) {
            Ok(Packet::Connect(connect)) => connect,
            Ok(_) => return Err(Fault::Misbehaved("CONNECT comes first")),
            Err(error) => return Err(refuse(style, turn, &error)),
        };
        let style = Style::of(&connect);
        let logging_in =
            self.read(limits, &connect).map_err(|error| refuse(style, turn, &error))?;
        let credential = logging_in.credential(&connect, self.trusted);
        let credential = credential.map_err(|error| refuse(style, turn, &error))?;
        let login = Login { credential, since: None };
        turn.ask(tag::LOGIN, Ask::Link(Command::Login(Box::new(login))));
        turn.wake_at(turn.now.checked_add(limits.connect_deadline));
        // What follows waits until the CONNECT is answered [MQTT-3.1.4-6].
        turn.pause_read();
        Ok(logging_in)
    }

    /// What the client wants of its session.
    fn read(self, limits: &Limits, connect: &Connect<'_>) -> Result<LoggingIn, CodecError> {
        let v5 = connect.version == Version::V5;
        let number = |property| connect.properties.number(property);
        // [MQTT-4.12.0-1]
        if connect.properties.find(Property::AuthMethod).is_some() {
            let text = "an authentication method that this server does not have";
            return Err(misbehaved(Reason::BadAuthenticationMethod, text));
        }
        let assigned = connect.client_id.is_empty();
        let device = if assigned {
            // [MQTT-3.1.3-6]; before MQTT 5 only for a session that ends with its link
            // [MQTT-3.1.3-8 of 3.1.1], and not at all in 3.1.
            if connect.version == Version::V31 || !v5 && !connect.clean_start {
                return Err(misbehaved(Reason::ClientIdNotValid, "a client id is needed"));
            }
            DeviceName::trusted(&format!("auto-{:032x}", self.unique))
        } else {
            let text = "the client id is too long, or holds control characters";
            DeviceName::new(connect.client_id)
                .map_err(|_| misbehaved(Reason::ClientIdNotValid, text))?
        };
        let wish = match connect.version {
            Version::V5 => number(Property::SessionExpiry).unwrap_or(0),
            _ if connect.clean_start => 0,
            _ => u32::MAX,
        };
        let expiry = wish.min(limits.expiry_max);
        let user = connect.user_name.map(|name| UserName::new(name).map_err(|_| WRONG));
        let user = user.transpose()?;
        let will = connect.will.as_ref().map(will).transpose()?;
        let keep_alive = match connect.keep_alive {
            // Earlier clients cannot be told of another.
            asked if !v5 => asked,
            0 => limits.keep_alive_max,
            asked => asked.min(limits.keep_alive_max),
        };
        let two = |property| number(property).and_then(|value| u16::try_from(value).ok());
        Ok(LoggingIn(Box::new(Connecting {
            style: Style::of(connect),
            device,
            user,
            assigned,
            keep_alive,
            tell_keep_alive: keep_alive != connect.keep_alive,
            tell_expiry: v5 && expiry != wish,
            receive_maximum: two(Property::ReceiveMaximum).unwrap_or(u16::MAX),
            aliases: two(Property::TopicAliasMaximum).unwrap_or(0),
            open: OpenTopics { clean: connect.clean_start, expiry, will },
            until: Millis(0),
        })))
    }
}

const WRONG: CodecError = misbehaved(Reason::BadUserNameOrPassword, "wrong user name or password");

impl LoggingIn {
    /// What proves who it is: a token, or a password.
    fn credential(&self, connect: &Connect<'_>, trusted: bool) -> Result<Credential, CodecError> {
        let Some(password) = connect.password else {
            return Err(misbehaved(Reason::NotAuthorized, "a user name and a password are needed"));
        };
        let password = std::str::from_utf8(password).map_err(|_| WRONG)?;
        let secret = Secret::new(password);
        if is_token(password) {
            return Ok(Credential::Token(secret));
        }
        if !trusted {
            let text = "passwords are taken under TLS or from loopback only";
            return Err(misbehaved(Reason::NotAuthorized, text));
        }
        let user = self.0.user.clone().ok_or(WRONG)?;
        Ok(Credential::Password { user, password: secret, device: self.0.device.clone() })
    }
}

/// Whether it is an access token rather than a password: three parts, of which the first is a JSON
/// object in base64 (RFC 7519 §3).
fn is_token(password: &str) -> bool {
    password.starts_with("eyJ") && password.bytes().filter(|byte| *byte == b'.').count() == 2
}

fn will(will: &Will<'_>) -> Result<TopicWill, CodecError> {
    anser_topics::check_name(will.topic)
        .map_err(|_| misbehaved(Reason::TopicNameInvalid, "the will's topic is not a name"))?;
    let number = |property| will.properties.number(property);
    Ok(TopicWill {
        message: TopicMessage {
            topic: will.topic.into(),
            payload: will.payload.to_vec().into(),
            qos: will.qos,
            retain: will.retain,
            expires: None,
            properties: passed_on(will.properties),
        },
        delay: number(Property::WillDelay).unwrap_or(0),
        lifetime: number(Property::MessageExpiry),
    })
}

fn refuse(style: Style, turn: &mut Turn<'_>, error: &CodecError) -> Fault {
    style.refuse_connect(turn, error.reason, error.text);
    match error.reason {
        Reason::BadUserNameOrPassword => Fault::Refused(Refusal::BadCredentials),
        Reason::NotAuthorized => Fault::Refused(Refusal::Forbidden),
        _ => fault(error),
    }
}

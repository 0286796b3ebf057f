//! Notifications.

use anser_domain::{
    DeviceName, Millis, PushCommand, PushOutcome, PushRecord, PushReply, PushServices, PushTarget,
};

use super::{Form, required};
use crate::{malformed::Malformed, proto};

impl Form for PushCommand {
    type Proto = proto::PushCommand;

    fn form(&self) -> proto::PushCommand {
        use proto::push_command::Command as It;
        proto::PushCommand {
            command: Some(match self {
                Self::Register { device, target, locale } => It::Register(proto::PushRegister {
                    device: device.form(),
                    target: Some(target.form()),
                    locale: locale.to_string(),
                }),
                Self::Show(device) => It::Show(device.form()),
                Self::Forget(device) => It::Forget(device.form()),
                Self::Services => It::Services(true),
            }),
        }
    }

    fn read(form: proto::PushCommand) -> Result<Self, Malformed> {
        use proto::push_command::Command as It;
        Ok(match form.command.ok_or(Malformed::Missing("command"))? {
            It::Register(it) => Self::Register {
                device: DeviceName::read(it.device)?,
                target: required(it.target, "target")?,
                locale: it.locale.into(),
            },
            It::Show(device) => Self::Show(DeviceName::read(device)?),
            It::Forget(device) => Self::Forget(DeviceName::read(device)?),
            It::Services(_) => Self::Services,
        })
    }
}

impl Form for PushTarget {
    type Proto = proto::PushTarget;

    fn form(&self) -> proto::PushTarget {
        use proto::push_target::Target as It;
        proto::PushTarget {
            target: Some(match self {
                Self::Apns { token, topic, sandbox } => It::Apns(proto::Apns {
                    token: token.to_string(),
                    topic: topic.to_string(),
                    sandbox: *sandbox,
                }),
                Self::Fcm { token } => It::Fcm(token.to_string()),
                Self::Web { endpoint, p256dh, auth } => It::Web(proto::WebPush {
                    endpoint: endpoint.to_string(),
                    p256dh: p256dh.to_string(),
                    auth: auth.to_string(),
                }),
                Self::Webhook { token } => It::Webhook(token.to_string()),
            }),
        }
    }

    fn read(form: proto::PushTarget) -> Result<Self, Malformed> {
        use proto::push_target::Target as It;
        Ok(match form.target.ok_or(Malformed::Missing("target"))? {
            It::Apns(proto::Apns { token, topic, sandbox }) => {
                Self::Apns { token: token.into(), topic: topic.into(), sandbox }
            }
            It::Fcm(token) => Self::Fcm { token: token.into() },
            It::Web(proto::WebPush { endpoint, p256dh, auth }) => {
                Self::Web { endpoint: endpoint.into(), p256dh: p256dh.into(), auth: auth.into() }
            }
            It::Webhook(token) => Self::Webhook { token: token.into() },
        })
    }
}

impl Form for PushReply {
    type Proto = proto::PushReply;

    fn form(&self) -> proto::PushReply {
        use proto::push_reply::Reply as It;
        proto::PushReply {
            reply: Some(match self {
                Self::Record(record) => It::Record(proto::PushRecordOrNone {
                    record: record.as_ref().map(|record| record.form()),
                }),
                Self::Services(PushServices { providers, web_key }) => {
                    It::Services(proto::PushServices {
                        providers: providers.iter().map(ToString::to_string).collect(),
                        web_key: web_key.as_ref().map(ToString::to_string),
                    })
                }
            }),
        }
    }

    fn read(form: proto::PushReply) -> Result<Self, Malformed> {
        use proto::push_reply::Reply as It;
        Ok(match form.reply.ok_or(Malformed::Missing("reply"))? {
            It::Record(it) => {
                Self::Record(it.record.map(PushRecord::read).transpose()?.map(Box::new))
            }
            It::Services(proto::PushServices { providers, web_key }) => {
                let providers = providers.into_iter().map(Into::into).collect();
                Self::Services(PushServices { providers, web_key: web_key.map(Into::into) })
            }
        })
    }
}

impl Form for PushRecord {
    type Proto = proto::PushRecord;

    fn form(&self) -> proto::PushRecord {
        let Self { provider, locale, registered, taken, failed, last } = self;
        proto::PushRecord {
            provider: provider.to_string(),
            locale: locale.to_string(),
            registered: registered.0,
            taken: *taken,
            failed: *failed,
            last: last.as_ref().map(PushOutcome::form),
        }
    }

    fn read(form: proto::PushRecord) -> Result<Self, Malformed> {
        let proto::PushRecord { provider, locale, registered, taken, failed, last } = form;
        Ok(Self {
            provider: provider.into(),
            locale: locale.into(),
            registered: Millis(registered),
            taken,
            failed,
            last: last.map(PushOutcome::read).transpose()?,
        })
    }
}

impl Form for PushOutcome {
    type Proto = proto::PushOutcome;

    fn form(&self) -> proto::PushOutcome {
        let Self { at, taken, reason } = self;
        proto::PushOutcome { at: at.0, taken: *taken, reason: reason.to_string() }
    }

    fn read(form: proto::PushOutcome) -> Result<Self, Malformed> {
        let proto::PushOutcome { at, taken, reason } = form;
        Ok(Self { at: Millis(at), taken, reason: reason.into() })
    }
}

//! Arbitrary questions and answers about notifications.

use super::*;

pub fn push_command() -> impl Strategy<Value = PushCommand> {
    let target = prop_oneof![
        (text(), text(), any::<bool>()).prop_map(|(token, topic, sandbox)| PushTarget::Apns {
            token,
            topic,
            sandbox
        }),
        text().prop_map(|token| PushTarget::Fcm { token }),
        (text(), text(), text()).prop_map(|(endpoint, p256dh, auth)| PushTarget::Web {
            endpoint,
            p256dh,
            auth
        }),
        text().prop_map(|token| PushTarget::Webhook { token }),
    ];
    prop_oneof![
        (device(), target, text()).prop_map(|(device, target, locale)| PushCommand::Register {
            device,
            target,
            locale
        }),
        device().prop_map(PushCommand::Show),
        device().prop_map(PushCommand::Forget),
        Just(PushCommand::Services),
    ]
}

pub fn push_reply() -> impl Strategy<Value = PushReply> {
    let last = (any::<i64>(), any::<bool>(), text()).prop_map(|(at, taken, reason)| PushOutcome {
        at: Millis(at),
        taken,
        reason,
    });
    let record = (text(), text(), any::<(i64, u64, u64)>(), option::of(last)).prop_map(
        |(provider, locale, (registered, taken, failed), last)| PushRecord {
            provider,
            locale,
            registered: Millis(registered),
            taken,
            failed,
            last,
        },
    );
    let services = (vec(text(), 0..3), option::of(text()))
        .prop_map(|(providers, web_key)| PushServices { providers, web_key });
    prop_oneof![
        option::of(record.prop_map(Box::new)).prop_map(PushReply::Record),
        services.prop_map(PushReply::Services),
    ]
}

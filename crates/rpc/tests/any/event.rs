//! Arbitrary events.

use super::*;

pub fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (address(), message(), any::<u64>(), any::<u32>()).prop_map(
            |(at, message, prev, links)| {
                let prev = SyncToken(prev);
                Event::Message(Arc::new(Delivery {
                    at,
                    message,
                    prev,
                    links,
                    encoded: Encoded::default(),
                }))
            }
        ),
        (any::<u64>(), seq()).prop_map(|(conv, head)| Event::Head { conv: ConvId(conv), head }),
        (any::<u64>(), address(), user(), any::<bool>(), seq()).prop_map(
            |(conv, at, user, read, seq)| {
                Event::Receipt(Arc::new(Receipt { conv: ConvId(conv), at, user, read, seq }))
            }
        ),
        (any::<u64>(), address(), keep(), option::of(seq())).prop_map(
            |(conv, at, keep, deleted)| {
                Event::Kept(Arc::new(Kept { conv: ConvId(conv), at, keep, deleted }))
            }
        ),
        (address(), user(), any::<bool>())
            .prop_map(|(at, user, active)| Event::Typing(Arc::new(Typing { at, user, active }))),
        (user(), any::<bool>())
            .prop_map(|(user, online)| Event::Presence(Arc::new(Presence { user, online }))),
        (subject(), any::<u64>()).prop_map(|(subject, at)| {
            Event::Changed(Arc::new(Changed { subject, at: SyncToken(at) }))
        }),
    ]
    .boxed()
}

fn subject() -> impl Strategy<Value = Subject> {
    prop_oneof![
        Just(Subject::Friends),
        Just(Subject::Requests),
        Just(Subject::Blocks),
        Just(Subject::Invitations),
        Just(Subject::Items),
        Just(Subject::Profile),
    ]
}

pub const EVENT_KINDS: usize = 7;

pub fn event_kind(event: &Event) -> usize {
    match event {
        Event::Message(_) => 0,
        Event::Head { .. } => 1,
        Event::Receipt(_) => 2,
        Event::Typing(_) => 3,
        Event::Presence(_) => 4,
        Event::Changed(_) => 5,
        Event::Kept(_) => 6,
    }
}

/// Equality of what crosses: a delivery's encoded bytes do not.
pub fn same_event(left: &Event, right: &Event) -> bool {
    match (left, right) {
        (Event::Message(left), Event::Message(right)) => {
            (&left.at, &left.message, left.links) == (&right.at, &right.message, right.links)
        }
        (Event::Head { conv, head }, Event::Head { conv: right_conv, head: right_head }) => {
            (conv, head) == (right_conv, right_head)
        }
        (Event::Receipt(left), Event::Receipt(right)) => left == right,
        (Event::Kept(left), Event::Kept(right)) => left == right,
        (Event::Typing(left), Event::Typing(right)) => left == right,
        (Event::Presence(left), Event::Presence(right)) => left == right,
        (Event::Changed(left), Event::Changed(right)) => left == right,
        (Event::Message(_), _)
        | (Event::Head { .. }, _)
        | (Event::Receipt(_), _)
        | (Event::Kept(_), _)
        | (Event::Typing(_), _)
        | (Event::Presence(_), _)
        | (Event::Changed(_), _) => false,
    }
}

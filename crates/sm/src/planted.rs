//! Faults planted on purpose, so that the tests that look for faults can show that they find them.
//! The feature `planted` is off in every build that anyone uses, and then all of this is `false`.

use std::collections::BTreeMap;

use anser_store::RouteTable;

/// A fault, named in `ANSER_PLANT`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plant {
    /// `hint-lost-at-tail`: every tenth log hint is lost, and so is its number, as if the last
    /// hint of a stream had vanished and no beat told of it.
    HintLostAtTail,
    /// `block-ignored`: who is blocked writes on.
    BlockIgnored,
    /// `ex-member-told`: entries go to everybody who ever was a member.
    ExMemberTold,
    /// `takeover-ignored`: the older link of a device is not told to go.
    TakeoverIgnored,
    /// `order-not-held`: what a device sent after a refusal passes.
    OrderNotHeld,
    /// `route-believed`: where somebody was linked once, they are believed to be linked for good.
    RouteBelieved,
    /// `generation-kept`: nobody hears that the link map has lost everything.
    GenerationKept,
    /// `unlink-forgotten`: a closed link stays in the map.
    UnlinkForgotten,
}

/// Whether this fault is planted in this process.
#[cfg(not(feature = "planted"))]
pub(crate) const fn planted(_: Plant) -> bool {
    false
}

/// Whether this fault is planted in this process.
#[cfg(feature = "planted")]
pub(crate) fn planted(fault: Plant) -> bool {
    static NAMED: std::sync::OnceLock<Option<Plant>> = std::sync::OnceLock::new();
    let named = NAMED.get_or_init(|| {
        Some(match std::env::var("ANSER_PLANT").ok()?.as_str() {
            "hint-lost-at-tail" => Plant::HintLostAtTail,
            "block-ignored" => Plant::BlockIgnored,
            "ex-member-told" => Plant::ExMemberTold,
            "takeover-ignored" => Plant::TakeoverIgnored,
            "order-not-held" => Plant::OrderNotHeld,
            "route-believed" => Plant::RouteBelieved,
            "generation-kept" => Plant::GenerationKept,
            "unlink-forgotten" => Plant::UnlinkForgotten,
            _ => return None,
        })
    });
    *named == Some(fault)
}

/// Whether `hint-lost-at-tail` loses these hints.
pub(crate) fn lose_hint(hints: &[anser_domain::Hint]) -> bool {
    static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    planted(Plant::HintLostAtTail)
        && hints.iter().any(|hint| matches!(hint.event, anser_domain::Event::Message(_)))
        && COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 10 == 9
}

/// Everybody whom `ex-member-told` has seen in a conversation and who is there no more.
pub(crate) fn ex_members(acl: &anser_store::Acl) -> Vec<anser_domain::UserId> {
    use std::collections::BTreeSet;

    use anser_domain::{ConvId, UserId};

    static SEEN: parking_lot::Mutex<BTreeMap<ConvId, BTreeSet<UserId>>> =
        parking_lot::Mutex::new(BTreeMap::new());
    let mut seen = SEEN.lock();
    let seen = seen.entry(acl.conv).or_default();
    seen.extend(acl.members.keys().copied());
    seen.iter().copied().filter(|user| !acl.members.contains_key(user)).collect()
}

/// The table as `route-believed` sees it: of each of `users` what it saw first.
pub(crate) fn believed(users: &[anser_domain::UserId], table: RouteTable) -> RouteTable {
    static FIRST: parking_lot::Mutex<BTreeMap<anser_domain::UserId, Routes>> =
        parking_lot::Mutex::new(BTreeMap::new());
    type Routes = smallvec::SmallVec<[anser_store::Route; 1]>;

    if !planted(Plant::RouteBelieved) {
        return table;
    }
    let mut first = FIRST.lock();
    let seen = users.iter().zip(table).map(|(user, routes)| match first.get(user) {
        Some(routes) => routes.clone(),
        None if routes.is_empty() => routes,
        None => first.entry(*user).or_insert(routes).clone(),
    });
    seen.collect()
}

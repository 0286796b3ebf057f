//! Names and values in the map.
//!
//! Users are spread over [`BUCKETS`], and a bucket's keys share a hash tag, so that a Cluster keeps
//! them in one slot: a script sees a user's links *and* the generation of the very server that
//! holds them, and a server that loses what it held loses its generations with it.

use anser_domain::{DeviceId, Epoch, LinkId, LinkRef, PeerId, UserId};

use super::directory::Part;

/// So many hash tags: enough to spread evenly over any Cluster that link maps need, few enough to
/// ask for all their generations twice a second.
pub(super) const BUCKETS: usize = 256;

/// Who speaks for which CM. In the first bucket, as good as any.
pub(super) const LEASES: &str = "anser:{b0}:cms";
/// The bucket of [`LEASES`].
pub(super) const LEASES_BUCKET: usize = 0;

/// The part of a packed route that names the link, without the generation it was written in.
pub(super) const LINK: usize = 48;

/// The names of all records of one part of the cluster. Records stand in the same bucket, so that
/// one question reads all of them.
pub(super) fn records(part: Part) -> String {
    format!("anser:{{b{LEASES_BUCKET}}}:records:{part}")
}

/// The record of one process.
pub(super) fn record(part: Part, boot: u64) -> String {
    format!("anser:{{b{LEASES_BUCKET}}}:record:{part}:{boot:016x}")
}

/// Where a user's keys are.
pub(super) fn bucket(user: UserId) -> usize {
    // Keys are handed out one after another, so their low bits spread evenly.
    usize::try_from(user.0 % BUCKETS as u64).unwrap_or(0)
}

/// The generation of a bucket.
pub(super) fn generation(bucket: usize) -> String {
    format!("anser:{{b{bucket}}}:generation")
}

/// How many of a bucket's users have a link. Scripts keep it together with the links, so that what
/// loses one loses the other.
pub(super) fn online(bucket: usize) -> String {
    format!("anser:{{b{bucket}}}:online")
}

/// A user's links: device → packed route.
pub(super) fn links(user: UserId) -> String {
    format!("anser:{{b{}}}:u{}", bucket(user), user.0)
}

/// The highest epoch of a device that is not linked; for moments after a takeover, the link that
/// was replaced.
pub(super) fn seen(user: UserId, device: DeviceId) -> String {
    format!("anser:{{b{}}}:u{}:d{}", bucket(user), user.0, device.0)
}

/// Whose links a key holds.
pub(super) fn user_of(key: &[u8]) -> Option<UserId> {
    let (_, user) = std::str::from_utf8(key).ok()?.rsplit_once(":u")?;
    user.parse().ok().map(UserId)
}

/// A link, and the generation it was written in. As text of fixed width, so that scripts compare
/// epochs as they stand and a person can read it.
pub(super) fn pack(link: LinkRef, written_in: u32) -> String {
    format!("{:016x}{:016x}{:016x}{written_in:08x}", link.epoch.0, link.cm.0, link.link.0)
}

/// The reverse of [`pack`]; `None` for what something else has written.
pub(super) fn unpack(packed: &[u8]) -> Option<(LinkRef, u32)> {
    let packed = std::str::from_utf8(packed).ok()?;
    let part = |at: usize| u64::from_str_radix(packed.get(at..at + 16)?, 16).ok();
    let link = LinkRef { epoch: Epoch(part(0)?), cm: PeerId(part(16)?), link: LinkId(part(32)?) };
    let written_in = u32::from_str_radix(packed.get(LINK..LINK + 8)?, 16).ok()?;
    (packed.len() == LINK + 8).then_some((link, written_in))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_come_back_and_order_by_epoch() {
        let link = |epoch| LinkRef { cm: PeerId(u64::MAX), link: LinkId(7), epoch: Epoch(epoch) };
        assert_eq!(unpack(pack(link(9), 3).as_bytes()).unwrap(), (link(9), 3));
        assert!(pack(link(9), 3) < pack(link(0x10), 0));
        for broken in ["", "zz", "0123456789abcdef", &"é".repeat(28), &"0".repeat(57)] {
            assert!(unpack(broken.as_bytes()).is_none(), "{broken}");
        }
    }

    #[test]
    fn a_users_keys_name_the_user_and_share_a_tag() {
        let user = UserId(300);
        assert_eq!(user_of(links(user).as_bytes()), Some(user));
        for other in
            [generation(44), online(44), seen(user, DeviceId(1)), LEASES.into(), String::new()]
        {
            assert_eq!(user_of(other.as_bytes()), None, "{other}");
        }
        assert!(
            links(user).starts_with("anser:{b44}") && generation(44).starts_with("anser:{b44}")
        );
        assert!(seen(user, DeviceId(1)).starts_with("anser:{b44}"));
    }
}

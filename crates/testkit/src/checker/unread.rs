//! Read cursors and what is derived from them (promise 5).

use super::{Body, History, Membership, Violation};

pub(super) fn check(history: &History, found: &mut Vec<Violation>) {
    for row in &history.rows {
        let Some(log) = history.logs.get(&row.conv) else { continue };
        let membership = Membership::of(&row.conv, log);
        let seen = log.iter().filter(|entry| membership.sees(&row.user, entry.seq));
        // A send moves its sender's read cursor with it.
        let own = seen
            .clone()
            .filter(|entry| entry.sender == row.user)
            .map(|entry| entry.seq)
            .max()
            .unwrap_or(0);
        let asked = row.asked.max(own);
        if row.read < asked {
            found.push(Violation::ReadLost {
                user: row.user.clone(),
                conv: row.conv.clone(),
                asked,
                read: row.read,
            });
        }
        let unread =
            seen.filter(|it| it.seq > row.read && matches!(it.body, Body::Text(_) | Body::Gone));
        let expected = unread.count() as u64;
        if row.unread != expected {
            found.push(Violation::Unread {
                user: row.user.clone(),
                conv: row.conv.clone(),
                unread: row.unread,
                expected,
            });
        }
    }
}

//! Everything that a server shows in the end, over REST.

use anyhow::Result;

use super::{Login, Rest};
use crate::checker::{Device, DeviceLog, History, Learned, User};

/// The logs and lists that `readers`, one device of each user, are shown. What a user reads becomes
/// a device of theirs, which is owed what every device is owed. `owner` founded every group.
///
/// # Errors
/// The server said no, or nothing.
pub async fn shown(rest: &Rest, readers: &[Login], owner: Option<&User>) -> Result<History> {
    let mut history = History::default();
    for login in readers {
        let mut learned = Vec::new();
        for (at, row) in rest.rows(login).await? {
            let log = rest.log(login, &at).await?;
            learned.extend(log.iter().map(|entry| Learned::Delivered {
                conv: row.conv.clone(),
                seq: entry.seq,
                body: entry.body.clone(),
            }));
            // The whole log is the one that a founding member sees: the owner of every group,
            // either side of a direct conversation.
            if at.starts_with("u:") || Some(&login.user) == owner {
                history.logs.entry(row.conv.clone()).or_insert(log);
            }
            history.rows.push(row);
        }
        let device = Device { user: login.user.clone(), name: "rest".into() };
        let log = DeviceLog { learned, complete: true, ..DeviceLog::default() };
        history.devices.insert(device, log);
    }
    Ok(history)
}

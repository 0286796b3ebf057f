//! The data directory's disk: room, and how long it takes to make something last.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
    time::Duration,
};

use anser_domain::{Clock as _, SystemClock};

use super::{Check, Finding, Patient};

pub(super) const CHECK: Check =
    Check { name: "disk", reads: "statvfs and fdatasync in [server] data_dir", look };

/// Syncs that are timed.
const TRIES: u32 = 16;
/// With less the database stops soon.
const LEAST_ROOM: u64 = 64 << 20;
const GOOD_ROOM: u64 = 1 << 30;

fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let dir = &patient.config.server.data_dir;
    // Before the first start: where it will be made.
    let Some(there) = dir.ancestors().map(or_here).find(|it| it.is_dir()) else {
        return vec![Finding::bad(
            format!("{} cannot be made", dir.display()),
            "choose another with --data-dir",
        )];
    };
    let mut findings = Vec::new();
    match rustix::fs::statvfs(there) {
        Ok(stat) => findings.push(room(stat.f_bavail.saturating_mul(stat.f_frsize))),
        Err(error) => findings.push(Finding::unknown(format!("{}: {error}", there.display()))),
    }
    findings.push(match sync_time(there) {
        Ok(took) => speed(took),
        Err(error) => Finding::bad(
            format!("nothing can be written to {}: {error}", there.display()),
            format!("chown $USER {}", there.display()),
        ),
    });
    findings
}

fn or_here(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

fn room(free: u64) -> Finding {
    let found = format!("{} MiB are free", free >> 20);
    if free < LEAST_ROOM {
        Finding::bad(found, "make room, or choose another disk with --data-dir")
    } else if free < GOOD_ROOM {
        Finding::warn(found, "make room before it runs out")
    } else {
        Finding::ok(found)
    }
}

/// The middle one of some syncs of a small file of our own.
fn sync_time(dir: &Path) -> std::io::Result<Duration> {
    let path = dir.join(format!(".anser-doctor-{}", std::process::id()));
    let mut file = File::create_new(&path)?;
    let timed = (0..TRIES).map(|_| {
        file.write_all(&[0; 4096])?;
        let start = SystemClock.now();
        file.sync_data()?;
        Ok(SystemClock.now() - start)
    });
    let timed: std::io::Result<Vec<_>> = timed.collect();
    fs::remove_file(&path)?;
    let mut timed = timed?;
    timed.sort();
    Ok(timed.get(timed.len() / 2).copied().unwrap_or_default())
}

fn speed(took: Duration) -> Finding {
    let found = format!("making something last takes {:.1} ms", took.as_secs_f64() * 1000.0);
    if took > Duration::from_millis(20) {
        Finding::warn(
            format!("{found}: no answer to a send comes sooner"),
            "put the data directory on an SSD, best one with power-loss protection",
        )
    } else if took < Duration::from_micros(10) {
        Finding::warn(
            format!("{found}: it is not made to last at all, as on a RAM disk"),
            "put the data directory on a disk",
        )
    } else {
        Finding::ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn little_room_and_slow_disks_are_told() {
        assert_eq!(room(1 << 20).verdict, Verdict::Bad);
        assert_eq!(room(500 << 20).verdict, Verdict::Warn);
        assert_eq!(room(10 << 30).verdict, Verdict::Ok);
        assert_eq!(speed(Duration::from_millis(50)).verdict, Verdict::Warn);
        assert_eq!(speed(Duration::from_micros(1)).verdict, Verdict::Warn);
        assert_eq!(speed(Duration::from_micros(200)).verdict, Verdict::Ok);
        let dir = tempfile::tempdir().unwrap();
        sync_time(dir.path()).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left behind");
    }
}

//! The journal between the writer's transactions: folded into the database when it has grown long,
//! and started anew.

use std::{cell::Cell, path::Path, time::Duration};

use rusqlite::Connection;

use super::{checkpoint::Checkpointer, connection};
use crate::{
    backend::relational::engine::{self, Keeper},
    open::OpenError,
};

/// From so many pages in the journal on (47 MiB) it is folded into the database: seldom, since a
/// page that was written often is folded once.
const FOLD_FRAMES: i32 = 12_000;
/// After so many, the writer starts the journal anew even if nobody has folded it.
const RESTART_FRAMES: i32 = 32_000;
/// So long the writer waits for readers when it starts the journal anew.
const RESTART_PATIENCE: Duration = Duration::from_millis(50);

thread_local! {
    /// Pages in the journal after this thread's last commit.
    static FRAMES: Cell<i32> = const { Cell::new(0) };
}

/// Minds the journal of one database.
pub(super) struct Journal {
    checkpointer: Checkpointer,
    /// The length at which to look.
    next: i32,
}

impl Journal {
    /// Called on the writer's thread.
    pub(super) fn mind(path: &Path, conn: &Connection) -> Result<Self, OpenError> {
        conn.wal_hook(Some(|_, frames| {
            FRAMES.set(frames);
            Ok(())
        }));
        Ok(Self { checkpointer: Checkpointer::start(path)?, next: FOLD_FRAMES })
    }
}

impl Keeper for Journal {
    fn between(&mut self, conn: &engine::Connection) {
        if let engine::Connection::Sqlite(conn) = conn {
            mind(conn, &self.checkpointer, &mut self.next);
        }
    }

    fn last(self: Box<Self>, conn: &engine::Connection) {
        self.checkpointer.stop();
        if let engine::Connection::Sqlite(conn) = conn {
            // The last connection to close removes the journal; this makes sure that it is empty.
            fold(conn, "TRUNCATE");
        }
    }
}

/// Has a long journal folded, and starts it anew once that is done, when
/// only what was written meanwhile is left to fold. Moves on `next`, the length at which to look.
fn mind(conn: &Connection, checkpointer: &Checkpointer, next: &mut i32) {
    let frames = FRAMES.get();
    if frames < FOLD_FRAMES {
        *next = FOLD_FRAMES;
    }
    if frames < *next {
        return;
    }
    if checkpointer.has_folded() || frames >= RESTART_FRAMES {
        let _ = conn.busy_timeout(RESTART_PATIENCE);
        let restarted = fold(conn, "RESTART");
        let _ = conn.busy_timeout(connection::BUSY_TIMEOUT);
        tracing::debug!(frames, restarted, "the journal was to start anew");
        // Until the next commit the count is the old one; and when readers stood in the way, the
        // next try is as many pages away.
        *next = frames.saturating_add(FOLD_FRAMES);
    } else {
        checkpointer.wake();
    }
}

/// Folds the journal into the database. Says whether all of it.
pub(super) fn fold(conn: &Connection, how: &str) -> bool {
    let result =
        conn.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |row| row.get::<_, bool>(0));
    match result {
        Ok(busy) => !busy,
        Err(error) => {
            tracing::warn!(%error, "the journal could not be folded into the database");
            false
        }
    }
}

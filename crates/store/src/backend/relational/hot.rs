//! Statements of the message path, prepared once: looking them up would cost as much again as
//! the simplest of them.

use super::{
    desk::HEAD_COLUMNS,
    engine::{Connection, Statement},
};

/// The writer's statements.
pub(super) struct Hot<'c> {
    pub(super) begin: Statement<'c>,
    pub(super) commit: Statement<'c>,
    pub(super) data_version: Statement<'c>,
    pub(super) last_id: Statement<'c>,
    pub(super) save_id: Statement<'c>,
    pub(super) head: Statement<'c>,
    pub(super) save_head: Statement<'c>,
    pub(super) save_read: Statement<'c>,
    pub(super) insert_dedupe: Statement<'c>,
    pub(super) find_dedupe: Statement<'c>,
    pub(super) delete_dedupe: Statement<'c>,
    pub(super) insert_message: Statement<'c>,
}

impl<'c> Hot<'c> {
    pub(super) fn prepare(conn: &'c Connection) -> super::engine::Result<Self> {
        let shared = conn.shared().is_some();
        // Who shares a database locks what is moved; who is alone has locked it whole.
        let lock = if shared { " FOR UPDATE" } else { "" };
        Ok(Self {
            begin: conn.prepare(if shared { "BEGIN" } else { "BEGIN IMMEDIATE" })?,
            commit: conn.prepare("COMMIT")?,
            data_version: conn.prepare("PRAGMA data_version")?,
            last_id: conn.prepare("SELECT last_id FROM meta WHERE one = 1")?,
            save_id: conn.prepare("UPDATE meta SET last_id = ?1 WHERE one = 1")?,
            head: conn
                .prepare(&format!("SELECT {HEAD_COLUMNS} FROM heads WHERE conv = ?1{lock}"))?,
            save_head: if shared {
                // Rows that are there; as an insert, so that all of a batch are one statement.
                conn.prepare_later(
                    "INSERT INTO heads (conv, last_seq, ord, last_message, acl_version, changed, \
                     lo_read, lo_read_ord, lo_delivered, hi_read, hi_read_ord, hi_delivered, \
                     kind, floor_seq) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, 0) \
                     ON DUPLICATE KEY UPDATE last_seq = VALUES(last_seq), ord = VALUES(ord), \
                     last_message = VALUES(last_message), acl_version = VALUES(acl_version), \
                     changed = VALUES(changed), lo_read = VALUES(lo_read), \
                     lo_read_ord = VALUES(lo_read_ord), lo_delivered = VALUES(lo_delivered), \
                     hi_read = VALUES(hi_read), hi_read_ord = VALUES(hi_read_ord), \
                     hi_delivered = VALUES(hi_delivered)",
                )?
            } else {
                conn.prepare(
                    "UPDATE heads SET last_seq = ?2, ord = ?3, last_message = ?4, acl_version = ?5, \
                     changed = ?6, lo_read = ?7, lo_read_ord = ?8, lo_delivered = ?9, hi_read = ?10, \
                     hi_read_ord = ?11, hi_delivered = ?12 WHERE conv = ?1",
                )?
            },
            save_read: conn.prepare(
                "UPDATE members SET read_seq = ?3, read_ord = ?4 WHERE user = ?1 AND conv = ?2",
            )?,
            insert_dedupe: conn.prepare_later(if shared {
                "INSERT INTO dedupe (cid, device, conv, id, seq) VALUES (?1, ?2, ?3, ?4, ?5)"
            } else {
                "INSERT OR IGNORE INTO dedupe (cid, device, conv, id, seq) \
                 VALUES (?1, ?2, ?3, ?4, ?5)"
            })?,
            find_dedupe: conn
                .prepare("SELECT id FROM dedupe WHERE cid = ?1 AND device = ?2 AND conv = ?3")?,
            delete_dedupe: conn
                .prepare("DELETE FROM dedupe WHERE cid = ?1 AND device = ?2 AND conv = ?3")?,
            insert_message: conn.prepare_later(
                "INSERT INTO msgs (id, conv, seq, ord, user, device, cid, kind, body, reply_to, \
                 mentions, protocol, payload, extra) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            )?,
        })
    }
}

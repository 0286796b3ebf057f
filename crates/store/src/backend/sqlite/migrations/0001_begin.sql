-- The whole layout of version 1. DESIGN §7 says what was measured and why it is so.

-- One row: what the store knows of itself.
CREATE TABLE meta (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    last_id    INTEGER NOT NULL,    -- the last id given away: the stable watermark
    pruned_id  INTEGER NOT NULL     -- dedupe keys of messages up to here are forgotten
);
INSERT INTO meta VALUES (1, 0, 0);

CREATE TABLE users (
    id                 INTEGER PRIMARY KEY,
    name               TEXT NOT NULL UNIQUE,
    display_name       TEXT NOT NULL,
    role               INTEGER NOT NULL,    -- 0 user, 1 admin
    disabled           INTEGER NOT NULL,
    credential_version INTEGER NOT NULL,
    salt               BLOB NOT NULL,       -- SCRAM-SHA-256
    iterations         INTEGER NOT NULL,
    stored_key         BLOB NOT NULL,
    server_key         BLOB NOT NULL
);

-- AUTOINCREMENT: devices are forgotten when idle, and their keys must never come back.
CREATE TABLE devices (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    user         INTEGER NOT NULL,
    name         TEXT NOT NULL,
    epoch        INTEGER NOT NULL,
    session      INTEGER NOT NULL,    -- 0 when it was ended
    last_session INTEGER NOT NULL,    -- the highest that `session` ever was
    created      INTEGER NOT NULL,
    seen         INTEGER NOT NULL,
    UNIQUE (user, name)
);
CREATE INDEX devices_by_seen ON devices (seen);

-- Hashes of refresh tokens, those exchanged already included: showing one again means theft.
CREATE TABLE refresh (
    hash    BLOB PRIMARY KEY,
    device  INTEGER NOT NULL,
    session INTEGER NOT NULL,
    spent   INTEGER                   -- when it was exchanged
) WITHOUT ROWID;
CREATE INDEX refresh_by_device ON refresh (device, session);
CREATE INDEX refresh_by_spent ON refresh (spent) WHERE spent IS NOT NULL;

CREATE TABLE revocations (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    user     INTEGER NOT NULL,
    device   INTEGER,
    keep     INTEGER,
    disabled INTEGER NOT NULL,
    at       INTEGER NOT NULL
);

CREATE TABLE signing_keys (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    secret  BLOB NOT NULL,
    created INTEGER NOT NULL
);

-- One narrow row per conversation, written once per batch. What moves with every message of a
-- direct conversation stands here too, for both sides (the user with the lower key first), so that
-- a message costs no further page.
CREATE TABLE heads (
    conv         INTEGER PRIMARY KEY,
    kind         INTEGER NOT NULL,    -- 1 direct, 2 group
    last_seq     INTEGER NOT NULL,
    ord          INTEGER NOT NULL,    -- messages, events aside
    last_message INTEGER NOT NULL,    -- seq of the newest that is no event
    acl_version  INTEGER NOT NULL,
    floor_seq    INTEGER NOT NULL,    -- nothing at or below it is kept
    changed      INTEGER NOT NULL,    -- id of the last change
    lo_read      INTEGER NOT NULL,    -- the rest is for direct conversations
    lo_read_ord  INTEGER NOT NULL,
    lo_delivered INTEGER NOT NULL,
    hi_read      INTEGER NOT NULL,
    hi_read_ord  INTEGER NOT NULL,
    hi_delivered INTEGER NOT NULL
);

CREATE TABLE directs (
    lo   INTEGER NOT NULL,
    hi   INTEGER NOT NULL,
    conv INTEGER NOT NULL,
    PRIMARY KEY (lo, hi)
) WITHOUT ROWID;

CREATE TABLE groups (
    conv    INTEGER PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    title   TEXT NOT NULL,
    created INTEGER NOT NULL
);

-- One row for everyone who is or was a member; it holds the latest interval of membership.
CREATE TABLE members (
    user        INTEGER NOT NULL,
    conv        INTEGER NOT NULL,
    role        INTEGER NOT NULL,    -- 1 member, 2 admin, 3 owner
    peer        INTEGER,             -- direct: the other side
    from_seq    INTEGER NOT NULL,    -- the first entry they see: the one that let them in
    until_seq   INTEGER,             -- the last one: the one that took them out
    until_ord   INTEGER,
    earlier     INTEGER NOT NULL,    -- how many intervals stand in `spans`
    read_seq    INTEGER NOT NULL,    -- groups; direct conversations keep it in the head
    read_ord    INTEGER NOT NULL,
    delivered   INTEGER NOT NULL,    -- the highest of their devices' cursors; groups
    joined      INTEGER NOT NULL,
    acl_version INTEGER NOT NULL,    -- at which membership or role last changed
    changed     INTEGER NOT NULL,    -- id of the last change that only they see
    PRIMARY KEY (user, conv)
) WITHOUT ROWID;
CREATE INDEX members_by_conv ON members (conv, user, role) WHERE until_seq IS NULL;

-- Earlier intervals of those who left and came back.
CREATE TABLE spans (
    conv      INTEGER NOT NULL,
    user      INTEGER NOT NULL,
    from_seq  INTEGER NOT NULL,
    until_seq INTEGER NOT NULL,
    PRIMARY KEY (conv, user, from_seq)
) WITHOUT ROWID;

-- Grows at its end only. The time of an entry is in its id.
CREATE TABLE msgs (
    id       INTEGER PRIMARY KEY,
    conv     INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    ord      INTEGER NOT NULL,
    user     INTEGER NOT NULL,
    device   INTEGER NOT NULL,
    cid      BLOB NOT NULL,
    kind     INTEGER NOT NULL,
    body     TEXT NOT NULL,
    reply_to INTEGER,
    mentions TEXT,                   -- names, separated by spaces
    protocol INTEGER,
    payload  BLOB,
    UNIQUE (conv, seq)
);

-- The key of exactly-once.
CREATE TABLE dedupe (
    cid    BLOB NOT NULL,
    device INTEGER NOT NULL,
    conv   INTEGER NOT NULL,
    id     INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    PRIMARY KEY (cid, device, conv)
) WITHOUT ROWID;

-- How far each device has everything.
CREATE TABLE cursors (
    device INTEGER NOT NULL,
    conv   INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    PRIMARY KEY (device, conv)
) WITHOUT ROWID;

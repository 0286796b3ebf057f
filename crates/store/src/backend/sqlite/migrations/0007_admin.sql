-- Administration: who changed what, API keys, bans, webhooks and what their receivers refused.

CREATE TABLE audit (
    id      INTEGER PRIMARY KEY,    -- of the sequence that messages' ids are of: tells the time
    who     TEXT NOT NULL,
    what    TEXT NOT NULL,
    whom    TEXT NOT NULL,
    address TEXT
);

CREATE TABLE api_keys (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    hash    BLOB NOT NULL UNIQUE,
    name    TEXT NOT NULL,
    scopes  TEXT NOT NULL,          -- numbers, separated by spaces
    created INTEGER NOT NULL,
    expires INTEGER
);

CREATE TABLE bans (
    user    INTEGER PRIMARY KEY,
    reason  TEXT NOT NULL,
    until   INTEGER,
    at      INTEGER NOT NULL
);

CREATE TABLE webhooks (
    name    TEXT PRIMARY KEY,
    url     TEXT NOT NULL,
    secrets TEXT NOT NULL,          -- separated by line breaks
    kinds   TEXT NOT NULL,          -- separated by spaces
    enabled INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE dead_letters (
    webhook  TEXT NOT NULL,
    event    INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    body     TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    reason   TEXT NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (webhook, event)
) WITHOUT ROWID;

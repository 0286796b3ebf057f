-- Notifications. A registration is of a session: it counts for nothing once that has ended.

CREATE TABLE pushes (
    device     INTEGER PRIMARY KEY,
    user       INTEGER NOT NULL,
    session    INTEGER NOT NULL,
    target     TEXT NOT NULL,           -- JSON
    address    TEXT NOT NULL UNIQUE,    -- what of the target is of one app on one phone
    locale     TEXT NOT NULL,
    registered INTEGER NOT NULL,
    taken      INTEGER NOT NULL DEFAULT 0,
    failed     INTEGER NOT NULL DEFAULT 0,
    last_at    INTEGER,
    last_taken INTEGER,
    reason     TEXT
);
CREATE INDEX pushes_by_user ON pushes (user);

-- Only what could not be handed over at once.
CREATE TABLE push_owed (
    device   INTEGER NOT NULL,
    conv     INTEGER NOT NULL,
    due      INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    until    INTEGER NOT NULL,
    PRIMARY KEY (device, conv)
) WITHOUT ROWID;
CREATE INDEX push_owed_by_due ON push_owed (due);

-- What apps were told of who is linked, so that it can be put right after a crash.
CREATE TABLE told_linked (
    user TEXT PRIMARY KEY
) WITHOUT ROWID;

-- Names of users who were anonymised, as SHA-256: nobody gets them again.
CREATE TABLE retired_names (
    hash BLOB PRIMARY KEY
) WITHOUT ROWID;

-- Whose messages are still to be scrubbed: those between the two ids.
CREATE TABLE scrubbing (
    user  INTEGER PRIMARY KEY,
    after INTEGER NOT NULL,
    until INTEGER NOT NULL
);

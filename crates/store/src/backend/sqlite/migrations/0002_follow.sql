-- Following everything that happens. The log is its own outbox; here stands what is no log entry.

CREATE TABLE outbox (
    id   INTEGER PRIMARY KEY,    -- of the sequence that messages' ids are of
    kind INTEGER NOT NULL,
    user TEXT NOT NULL,
    data TEXT NOT NULL           -- a JSON object
);

-- How far everything was handled, by name; one process at a time.
CREATE TABLE followers (
    name  TEXT PRIMARY KEY,
    place INTEGER NOT NULL,
    owner INTEGER NOT NULL,      -- 0: nobody
    until INTEGER NOT NULL       -- when the lease ends
) WITHOUT ROWID;

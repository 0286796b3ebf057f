-- People and their own things.

-- The newest change of what is a user's own beside conversations.
ALTER TABLE users ADD COLUMN personal INTEGER NOT NULL DEFAULT 0;

-- Small values of users. A removed one stays as a row without a value, so that others learn of it.
CREATE TABLE items (
    user    INTEGER NOT NULL,
    key     TEXT NOT NULL,
    value   TEXT,
    version INTEGER NOT NULL,
    PRIMARY KEY (user, key)
) WITHOUT ROWID;
CREATE UNIQUE INDEX items_by_version ON items (user, version);

-- Two rows a friendship, each with what one of the two says of the other.
CREATE TABLE friends (
    user    INTEGER NOT NULL,
    friend  INTEGER NOT NULL,
    remark  TEXT NOT NULL,
    lists   TEXT NOT NULL,           -- JSON array of names
    since   INTEGER NOT NULL,
    gone    INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (user, friend)
) WITHOUT ROWID;
CREATE UNIQUE INDEX friends_by_version ON friends (user, version);

CREATE TABLE friend_requests (
    id           INTEGER PRIMARY KEY, -- tells the time
    asker        INTEGER NOT NULL,
    asked        INTEGER NOT NULL,
    message      TEXT NOT NULL,
    state        INTEGER NOT NULL,    -- 1 pending, 2 accepted, 3 declined, 4 withdrawn, 5 expired
    version      INTEGER NOT NULL
);
CREATE UNIQUE INDEX requests_pending ON friend_requests (asker, asked) WHERE state = 1;
CREATE INDEX requests_by_asker ON friend_requests (asker, version);
CREATE INDEX requests_by_asked ON friend_requests (asked, version);
CREATE INDEX requests_by_age ON friend_requests (state, id);

CREATE TABLE blocks (
    user    INTEGER NOT NULL,
    blocked INTEGER NOT NULL,
    since   INTEGER NOT NULL,
    gone    INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (user, blocked)
) WITHOUT ROWID;
CREATE UNIQUE INDEX blocks_by_version ON blocks (user, version);
CREATE INDEX blocks_by_blocked ON blocks (blocked, user) WHERE gone = 0;

-- The words that users are found by.
CREATE TABLE user_words (
    word TEXT NOT NULL,
    user INTEGER NOT NULL,
    PRIMARY KEY (word, user)
) WITHOUT ROWID;

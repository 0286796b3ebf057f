-- The layout of version 1: what backend/sqlite/migrations say in eleven steps, for a database that
-- several processes share. Where a table's key differs from SQLite's, it begins with what a shard
-- would be chosen by: a conversation, a user, a device.

-- One row, which is also the lock of those who have to write alone.
CREATE TABLE IF NOT EXISTS meta (
    one        TINYINT NOT NULL PRIMARY KEY,
    last_id    BIGINT NOT NULL,    -- the highest floor of a writer that is gone
    pruned_id  BIGINT NOT NULL,
    indexed_id BIGINT NOT NULL,
    renamed    BIGINT NOT NULL     -- how often a user's name has changed
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
INSERT IGNORE INTO meta VALUES (1, 0, 0, 0, 0);

-- Who writes, and the id that all they commit from now on is above.
CREATE TABLE IF NOT EXISTS writers (
    place INT NOT NULL PRIMARY KEY,
    life  BIGINT NOT NULL,
    floor BIGINT NOT NULL,
    until BIGINT NOT NULL          -- ms of the database's clock
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS users (
    id                 BIGINT NOT NULL PRIMARY KEY,
    name               VARCHAR(255) NOT NULL,
    display_name       TEXT NOT NULL,
    role               TINYINT NOT NULL,
    disabled           TINYINT NOT NULL,
    credential_version BIGINT NOT NULL,
    salt               VARBINARY(255) NOT NULL,
    iterations         BIGINT NOT NULL,
    stored_key         VARBINARY(64) NOT NULL,
    server_key         VARBINARY(64) NOT NULL,
    personal           BIGINT NOT NULL DEFAULT 0,
    UNIQUE KEY users_by_name (name)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS devices (
    id           BIGINT NOT NULL PRIMARY KEY,
    user         BIGINT NOT NULL,
    name         VARCHAR(255) NOT NULL,
    epoch        BIGINT NOT NULL,
    session      BIGINT NOT NULL,
    last_session BIGINT NOT NULL,
    created      BIGINT NOT NULL,
    seen         BIGINT NOT NULL,
    UNIQUE KEY devices_by_name (user, name),
    KEY devices_by_seen (seen)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS refresh (
    hash    VARBINARY(64) NOT NULL PRIMARY KEY,
    device  BIGINT NOT NULL,
    session BIGINT NOT NULL,
    spent   BIGINT,
    KEY refresh_by_device (device, session),
    KEY refresh_by_spent (spent)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS revocations (
    number   BIGINT NOT NULL PRIMARY KEY,
    user     BIGINT NOT NULL,
    device   BIGINT,
    keep     BIGINT,
    disabled TINYINT NOT NULL,
    at       BIGINT NOT NULL,
    KEY revocations_by_time (at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS signing_keys (
    id      BIGINT NOT NULL PRIMARY KEY,
    secret  VARBINARY(64) NOT NULL,
    created BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS heads (
    conv         BIGINT NOT NULL PRIMARY KEY,
    kind         TINYINT NOT NULL,
    last_seq     BIGINT NOT NULL,
    ord          BIGINT NOT NULL,
    last_message BIGINT NOT NULL,
    acl_version  BIGINT NOT NULL,
    floor_seq    BIGINT NOT NULL,
    changed      BIGINT NOT NULL,
    lo_read      BIGINT NOT NULL,
    lo_read_ord  BIGINT NOT NULL,
    lo_delivered BIGINT NOT NULL,
    hi_read      BIGINT NOT NULL,
    hi_read_ord  BIGINT NOT NULL,
    hi_delivered BIGINT NOT NULL,
    last_mention BIGINT NOT NULL DEFAULT 0
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS directs (
    lo   BIGINT NOT NULL,
    hi   BIGINT NOT NULL,
    conv BIGINT NOT NULL,
    PRIMARY KEY (lo, hi)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS `groups` (
    conv         BIGINT NOT NULL PRIMARY KEY,
    name         VARCHAR(255) NOT NULL,
    title        TEXT NOT NULL,
    created      BIGINT NOT NULL,
    policy       BIGINT NOT NULL DEFAULT 236,
    size         BIGINT NOT NULL DEFAULT 0,
    description  MEDIUMTEXT NOT NULL,
    avatar       TEXT NOT NULL,
    announcement MEDIUMTEXT NOT NULL,
    UNIQUE KEY groups_by_name (name)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS members (
    user         BIGINT NOT NULL,
    conv         BIGINT NOT NULL,
    role         TINYINT NOT NULL,
    peer         BIGINT,
    from_seq     BIGINT NOT NULL,
    until_seq    BIGINT,
    until_ord    BIGINT,
    earlier      BIGINT NOT NULL,
    read_seq     BIGINT NOT NULL,
    read_ord     BIGINT NOT NULL,
    delivered    BIGINT NOT NULL,
    joined       BIGINT NOT NULL,
    acl_version  BIGINT NOT NULL,
    changed      BIGINT NOT NULL,
    muted        BIGINT NOT NULL DEFAULT 0,
    muted_until  BIGINT NOT NULL DEFAULT 0,
    pinned       BIGINT NOT NULL DEFAULT 0,
    hidden_below BIGINT NOT NULL DEFAULT 0,
    cleared      BIGINT NOT NULL DEFAULT 0,
    deletions    BIGINT NOT NULL DEFAULT 0,
    title        TEXT,
    PRIMARY KEY (user, conv),
    KEY members_by_conv (conv, user, role, until_seq),
    KEY members_by_version (conv, acl_version)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS spans (
    conv      BIGINT NOT NULL,
    user      BIGINT NOT NULL,
    from_seq  BIGINT NOT NULL,
    until_seq BIGINT NOT NULL,
    PRIMARY KEY (conv, user, from_seq)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- A conversation's log lies together, in its order.
CREATE TABLE IF NOT EXISTS msgs (
    conv     BIGINT NOT NULL,
    seq      BIGINT NOT NULL,
    id       BIGINT NOT NULL,
    ord      BIGINT NOT NULL,
    user     BIGINT NOT NULL,
    device   BIGINT NOT NULL,
    cid      BINARY(16) NOT NULL,
    kind     TINYINT UNSIGNED NOT NULL,
    body     MEDIUMTEXT NOT NULL,
    reply_to BIGINT,
    mentions MEDIUMTEXT,
    protocol TINYINT,
    payload  MEDIUMBLOB,
    extra    MEDIUMTEXT,
    PRIMARY KEY (conv, seq),
    KEY msgs_by_id (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS dedupe (
    conv   BIGINT NOT NULL,
    device BIGINT NOT NULL,
    cid    BINARY(16) NOT NULL,
    id     BIGINT NOT NULL,
    seq    BIGINT NOT NULL,
    PRIMARY KEY (conv, device, cid)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS cursors (
    device BIGINT NOT NULL,
    conv   BIGINT NOT NULL,
    seq    BIGINT NOT NULL,
    PRIMARY KEY (device, conv)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS outbox (
    id   BIGINT NOT NULL PRIMARY KEY,
    kind INT NOT NULL,
    user VARCHAR(255) NOT NULL,
    data MEDIUMTEXT NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS followers (
    name  VARCHAR(255) NOT NULL PRIMARY KEY,
    place BIGINT NOT NULL,
    owner BIGINT NOT NULL,
    until BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS items (
    user    BIGINT NOT NULL,
    `key`   VARCHAR(255) NOT NULL,
    value   MEDIUMTEXT,
    version BIGINT NOT NULL,
    PRIMARY KEY (user, `key`),
    UNIQUE KEY items_by_version (user, version)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS friends (
    user    BIGINT NOT NULL,
    friend  BIGINT NOT NULL,
    remark  TEXT NOT NULL,
    lists   MEDIUMTEXT NOT NULL,
    since   BIGINT NOT NULL,
    gone    TINYINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (user, friend),
    UNIQUE KEY friends_by_version (user, version)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS friend_requests (
    id      BIGINT NOT NULL PRIMARY KEY,
    asker   BIGINT NOT NULL,
    asked   BIGINT NOT NULL,
    message TEXT NOT NULL,
    state   TINYINT NOT NULL,
    version BIGINT NOT NULL,
    KEY requests_pending (asker, asked, state),
    KEY requests_by_asker (asker, version),
    KEY requests_by_asked (asked, version),
    KEY requests_by_age (state, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS blocks (
    user    BIGINT NOT NULL,
    blocked BIGINT NOT NULL,
    since   BIGINT NOT NULL,
    gone    TINYINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (user, blocked),
    UNIQUE KEY blocks_by_version (user, version),
    KEY blocks_by_blocked (blocked, user)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS user_words (
    word VARCHAR(255) NOT NULL,
    user BIGINT NOT NULL,
    PRIMARY KEY (word, user)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS files (
    id        BIGINT NOT NULL PRIMARY KEY,
    owner     BIGINT NOT NULL,
    name      TEXT NOT NULL,
    media     TEXT NOT NULL,
    size      BIGINT NOT NULL,
    received  BIGINT NOT NULL,
    sha256    VARBINARY(64),
    public    TINYINT NOT NULL,
    state     TINYINT NOT NULL,
    touched   BIGINT NOT NULL,
    width     BIGINT,
    height    BIGINT,
    thumbnail TINYINT,
    KEY files_by_owner (owner, id, state, size),
    KEY files_by_state (state, touched)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS file_pieces (
    file   BIGINT NOT NULL,
    at     BIGINT NOT NULL,
    length BIGINT NOT NULL,
    nonce  BIGINT NOT NULL,
    PRIMARY KEY (file, at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS file_refs (
    file BIGINT NOT NULL,
    conv BIGINT NOT NULL,
    seq  BIGINT NOT NULL,
    PRIMARY KEY (file, conv, seq)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS pushes (
    device     BIGINT NOT NULL PRIMARY KEY,
    user       BIGINT NOT NULL,
    session    BIGINT NOT NULL,
    target     MEDIUMTEXT NOT NULL,
    address    TEXT NOT NULL,
    locale     VARCHAR(255) NOT NULL,
    registered BIGINT NOT NULL,
    taken      BIGINT NOT NULL DEFAULT 0,
    failed     BIGINT NOT NULL DEFAULT 0,
    last_at    BIGINT,
    last_taken BIGINT,
    reason     TEXT,
    KEY pushes_by_user (user),
    KEY pushes_by_address (address(255))
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS push_owed (
    device   BIGINT NOT NULL,
    conv     BIGINT NOT NULL,
    due      BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    until    BIGINT NOT NULL,
    PRIMARY KEY (device, conv),
    KEY push_owed_by_due (due)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS waiting (
    conv    BIGINT NOT NULL,
    side    TINYINT NOT NULL,
    user    BIGINT NOT NULL,
    `by`    BIGINT NOT NULL,
    message TEXT NOT NULL,
    since   BIGINT NOT NULL,
    until   BIGINT NOT NULL,
    PRIMARY KEY (conv, side, user),
    KEY waiting_by_user (user, side),
    KEY waiting_by_until (until)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS audit (
    id      BIGINT NOT NULL PRIMARY KEY,
    who     TEXT NOT NULL,
    what    TEXT NOT NULL,
    whom    TEXT NOT NULL,
    address TEXT
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS api_keys (
    id      BIGINT NOT NULL PRIMARY KEY,
    hash    VARBINARY(64) NOT NULL,
    name    TEXT NOT NULL,
    scopes  TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT,
    UNIQUE KEY api_keys_by_hash (hash)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS bans (
    user   BIGINT NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL,
    until  BIGINT,
    at     BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS webhooks (
    name    VARCHAR(255) NOT NULL PRIMARY KEY,
    url     TEXT NOT NULL,
    secrets TEXT NOT NULL,
    kinds   TEXT NOT NULL,
    enabled TINYINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS dead_letters (
    webhook  VARCHAR(255) NOT NULL,
    event    BIGINT NOT NULL,
    kind     VARCHAR(255) NOT NULL,
    body     MEDIUMTEXT NOT NULL,
    attempts BIGINT NOT NULL,
    reason   TEXT NOT NULL,
    at       BIGINT NOT NULL,
    PRIMARY KEY (webhook, event)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS reactions (
    conv     BIGINT NOT NULL,
    seq      BIGINT NOT NULL,
    reaction VARCHAR(255) NOT NULL,
    user     BIGINT NOT NULL,
    entry    BIGINT NOT NULL,
    PRIMARY KEY (conv, seq, reaction, user)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS pins (
    conv  BIGINT NOT NULL,
    seq   BIGINT NOT NULL,
    entry BIGINT NOT NULL,
    PRIMARY KEY (conv, seq)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS mentions (
    user BIGINT NOT NULL,
    conv BIGINT NOT NULL,
    seq  BIGINT NOT NULL,
    PRIMARY KEY (user, conv, seq)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS deletions (
    user BIGINT NOT NULL,
    conv BIGINT NOT NULL,
    seq  BIGINT NOT NULL,
    PRIMARY KEY (user, conv, seq)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Words of texts. What is found by one of them is looked at for the others.
CREATE TABLE IF NOT EXISTS search_words (
    conv BIGINT NOT NULL,
    word VARBINARY(255) NOT NULL,
    id   BIGINT NOT NULL,
    PRIMARY KEY (conv, word, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- What clients sent where something else was stored: a digest, so that a retry is known.
CREATE TABLE IF NOT EXISTS reworded (
    id    BIGINT NOT NULL PRIMARY KEY,
    conv  BIGINT NOT NULL,
    seq   BIGINT NOT NULL,
    words VARBINARY(64) NOT NULL,
    KEY reworded_by_message (conv, seq)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS told_linked (
    user VARCHAR(255) NOT NULL PRIMARY KEY
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS retired_names (
    hash VARBINARY(64) NOT NULL PRIMARY KEY
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS scrubbing (
    user  BIGINT NOT NULL PRIMARY KEY,
    after BIGINT NOT NULL,
    until BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Files. The bytes are in the blob store, under the file's id; nothing is there without a row here.
CREATE TABLE files (
    id        INTEGER PRIMARY KEY,    -- of the ids of messages; tells when it was begun
    owner     INTEGER NOT NULL,
    name      TEXT NOT NULL,
    media     TEXT NOT NULL,
    size      INTEGER NOT NULL,
    received  INTEGER NOT NULL,       -- bytes in its pieces
    sha256    BLOB,                   -- as announced; as found once it is ready
    public    INTEGER NOT NULL,
    state     INTEGER NOT NULL,       -- 0 uploading, 1 ready, 2 bytes to be removed, 3 a name only
    touched   INTEGER NOT NULL,       -- ready: when it was begun; else when it got its last piece or
                                      -- came into this state
    width     INTEGER,                -- of pictures
    height    INTEGER,
    thumbnail INTEGER                 -- 1 JPEG, 2 WebP
);
CREATE INDEX files_by_owner ON files (owner, id, state, size);
CREATE INDEX files_by_state ON files (state, touched) WHERE state < 3;

-- Where a file's bytes are: one blob a piece.
CREATE TABLE file_pieces (
    file   INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    length INTEGER NOT NULL,
    nonce  INTEGER NOT NULL,
    PRIMARY KEY (file, at)
) WITHOUT ROWID;

-- Entries that carry files. Plain messages have no row here.
CREATE TABLE file_refs (
    file INTEGER NOT NULL,
    conv INTEGER NOT NULL,
    seq  INTEGER NOT NULL,
    PRIMARY KEY (file, conv, seq)
) WITHOUT ROWID;

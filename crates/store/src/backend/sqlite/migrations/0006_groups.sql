-- What groups say of themselves, who may do what in them, and who is to come in.

ALTER TABLE groups ADD COLUMN policy INTEGER NOT NULL DEFAULT 236; -- bits; see convert.rs
ALTER TABLE groups ADD COLUMN size INTEGER NOT NULL DEFAULT 0;     -- members now
ALTER TABLE groups ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE groups ADD COLUMN avatar TEXT NOT NULL DEFAULT '';
ALTER TABLE groups ADD COLUMN announcement TEXT NOT NULL DEFAULT '';

ALTER TABLE members ADD COLUMN muted INTEGER NOT NULL DEFAULT 0;   -- may not write before

-- What has changed since a copy was made. Direct conversations, which never change so, are not
-- in it.
CREATE INDEX members_by_version ON members (conv, acl_version) WHERE acl_version > 1;

-- Invitations and requests, until they are taken up, taken back or too old.
CREATE TABLE waiting (
    conv    INTEGER NOT NULL,
    side    INTEGER NOT NULL,    -- 1 invited, 2 asking
    user    INTEGER NOT NULL,
    by      INTEGER NOT NULL,    -- who invited; the user when they ask
    message TEXT NOT NULL,
    since   INTEGER NOT NULL,
    until   INTEGER NOT NULL,
    PRIMARY KEY (conv, side, user)
) WITHOUT ROWID;
CREATE INDEX waiting_by_user ON waiting (user, side);
CREATE INDEX waiting_by_until ON waiting (until);

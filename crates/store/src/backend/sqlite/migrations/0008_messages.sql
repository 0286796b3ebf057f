-- What happens to messages after they were sent, and how each user keeps a conversation.

-- What few messages have beside what they say, as JSON; NULL for all others, which therefore cost
-- nothing more: edited, recalled, reactions, pinned, all, forward.
ALTER TABLE msgs ADD COLUMN extra TEXT;

-- The seq of the newest message that calls somebody: rows of `mentions` are looked for only above
-- what the viewer has read.
ALTER TABLE heads ADD COLUMN last_mention INTEGER NOT NULL DEFAULT 0;

ALTER TABLE members ADD COLUMN muted_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
-- Hidden while the newest message's seq is below it.
ALTER TABLE members ADD COLUMN hidden_below INTEGER NOT NULL DEFAULT 0;
-- Nothing up to here is shown to them any more.
ALTER TABLE members ADD COLUMN cleared INTEGER NOT NULL DEFAULT 0;
-- How many rows of `deletions` they have here.
ALTER TABLE members ADD COLUMN deletions INTEGER NOT NULL DEFAULT 0;

-- Counts stand with the message; this says who.
CREATE TABLE reactions (
    conv     INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    reaction TEXT NOT NULL,
    user     INTEGER NOT NULL,
    entry    INTEGER NOT NULL,    -- seq of the entry that gave it
    PRIMARY KEY (conv, seq, reaction, user)
) WITHOUT ROWID;

CREATE TABLE pins (
    conv  INTEGER NOT NULL,
    seq   INTEGER NOT NULL,
    entry INTEGER NOT NULL,       -- seq of the entry that pinned it
    PRIMARY KEY (conv, seq)
) WITHOUT ROWID;

-- One row for each user that a message calls; user 0 is everybody.
CREATE TABLE mentions (
    user INTEGER NOT NULL,
    conv INTEGER NOT NULL,
    seq  INTEGER NOT NULL,
    PRIMARY KEY (user, conv, seq)
) WITHOUT ROWID;

-- What users have taken out of their own sight.
CREATE TABLE deletions (
    user INTEGER NOT NULL,
    conv INTEGER NOT NULL,
    seq  INTEGER NOT NULL,
    PRIMARY KEY (user, conv, seq)
) WITHOUT ROWID;

-- Words of texts, under the key of the message; tokens are made by our own `words`, so the
-- engine's tokenizer only cuts at spaces. Holds no text: what is taken out is told as it was put
-- in, and leaves no trace (secure-delete). Follows the log up to `indexed_id`.
ALTER TABLE meta ADD COLUMN indexed_id INTEGER NOT NULL DEFAULT 0;
CREATE VIRTUAL TABLE search USING fts5 (
    conv, words, content = '', columnsize = 0, tokenize = 'ascii'
);
INSERT INTO search (search, rank) VALUES ('secure-delete', 1);

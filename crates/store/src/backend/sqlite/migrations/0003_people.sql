-- People and their own things.

-- The newest change of what is a user's own beside conversations.
ALTER TABLE users ADD COLUMN personal INTEGER NOT NULL DEFAULT 0;

-- What apps were told of who is linked, so that it can be put right after a crash.
CREATE TABLE told_linked (
    user TEXT PRIMARY KEY
) WITHOUT ROWID;

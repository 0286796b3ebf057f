-- What clients sent where an app or a filter had something else stored: by its digest, so that a
-- retry is known. `id` is the entry's; (conv, seq) the message whose words it gave, which may be an
-- earlier entry when it is an edit: a recall forgets them all.
CREATE TABLE reworded (
    id    INTEGER PRIMARY KEY,
    conv  INTEGER NOT NULL,
    seq   INTEGER NOT NULL,
    words BLOB    NOT NULL
);
CREATE INDEX reworded_by_message ON reworded (conv, seq);

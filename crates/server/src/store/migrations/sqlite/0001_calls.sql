-- Live calls: the whole state of each, rewritten when it changes. Few and short rows, so their pages stay few.
CREATE TABLE live_call (
    id   BLOB NOT NULL PRIMARY KEY, -- 16 bytes
    body BLOB NOT NULL              -- a byte that names the layout, then the call machine's state
) STRICT, WITHOUT ROWID;

-- Ended calls, in the order of their end.
CREATE TABLE ended_call (
    row           INTEGER PRIMARY KEY,
    id            BLOB    NOT NULL, -- 16 bytes
    caller        TEXT    NOT NULL, -- user/device
    callee        TEXT    NOT NULL, -- user
    callee_device TEXT,             -- user/device that accepted
    requested_at  INTEGER NOT NULL, -- ms since the epoch, as all times
    accepted_at   INTEGER,
    ended_at      INTEGER NOT NULL,
    talk_ms       INTEGER NOT NULL,
    reason        TEXT    NOT NULL,
    ended_by      TEXT              -- user/device; NULL for time or the server
) STRICT;

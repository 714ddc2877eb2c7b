-- Live calls: the whole state of each, rewritten at every change. Few rows, so their pages stay few.
CREATE TABLE live_call (
    id          TEXT    NOT NULL PRIMARY KEY,
    deadline_at INTEGER,            -- ms since the epoch; when time alone would change the call
    version     INTEGER NOT NULL,
    body        TEXT    NOT NULL    -- the call machine's state, JSON
) STRICT, WITHOUT ROWID;

-- Ended calls, in the order of their end.
CREATE TABLE ended_call (
    row           INTEGER PRIMARY KEY,
    id            TEXT    NOT NULL,
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

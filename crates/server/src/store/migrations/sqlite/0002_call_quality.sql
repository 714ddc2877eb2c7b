-- How good each leg of a call was: the sum of what its client reported. A leg that reported nothing has no row.
CREATE TABLE call_quality (
    call_id         BLOB    NOT NULL, -- as `id` in ended_call
    role            TEXT    NOT NULL, -- caller or callee
    leg             TEXT    NOT NULL, -- user/device
    samples         INTEGER NOT NULL, -- seconds that were measured
    mos             INTEGER NOT NULL, -- mean opinion score times 100
    mos_min         INTEGER NOT NULL,
    poor            INTEGER NOT NULL, -- samples below 3
    concealed_ppm   INTEGER,          -- shares in millionths; NULL where the browser does not tell
    lost_ppm        INTEGER,
    remote_lost_ppm INTEGER,
    rtt_ms          INTEGER,
    jitter_ms       INTEGER,
    path            TEXT    NOT NULL,
    cause           TEXT    NOT NULL,
    reported_at     INTEGER NOT NULL, -- when the last report came
    PRIMARY KEY (call_id, role)
) STRICT, WITHOUT ROWID;

-- For the distribution over the last day, which is then read from the index alone.
CREATE INDEX call_quality_by_time ON call_quality (reported_at, mos, path);

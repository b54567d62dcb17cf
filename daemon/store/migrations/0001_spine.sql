-- The spine: leases, nodes, boots, timelines, runs, events, keys, settings.
-- Times are whole microseconds since 1970 UTC; digests are raw bytes; JSON only where nothing is searched inside.
-- A file that has been released is never edited: a change is a new number.

PRAGMA application_id = 0x526f6f73; -- "Roos": another program's database is refused, not migrated

-- What the DHCP server promised. The server's memory is the truth while it runs; this is what it wakes up with.
CREATE TABLE leases (
    address  TEXT PRIMARY KEY,
    client   TEXT NOT NULL,        -- who has it, or declined it: MAC or option 61, as the DHCP part writes it
    mac      TEXT,
    hostname TEXT,                 -- a claim of the machine
    state    TEXT NOT NULL,
    since    INTEGER NOT NULL,
    expires  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE nodes (
    id         TEXT PRIMARY KEY,
    mac        TEXT NOT NULL UNIQUE,
    state      TEXT NOT NULL,
    since      INTEGER NOT NULL,
    cause      TEXT,
    remedy     TEXT,
    waits_for  TEXT NOT NULL,
    approved   INTEGER NOT NULL,
    identity   TEXT,               -- JSON: MAC, UUID, machine id, pinned SSH host keys
    address    TEXT,
    firmware   TEXT,
    boot       INTEGER,
    run        INTEGER,
    created    INTEGER NOT NULL,
    generation INTEGER NOT NULL,   -- compared and swapped at every write
    -- What the machine says of itself goes here and nowhere else.
    hostname   TEXT,
    hardware   TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE boots (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    node     TEXT NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    opened   INTEGER NOT NULL,
    token    BLOB,                 -- SHA-256 of the call-home token; the token itself is never here
    minted   INTEGER,
    expires  INTEGER,
    uuid     TEXT,                 -- what the script was asked with
    firmware TEXT,
    used     INTEGER,              -- when its call-home was accepted
    accepted BLOB,                 -- digest of the identity that the 202 was for
    run      INTEGER               -- the run that the 202 promised
) STRICT;
CREATE UNIQUE INDEX boots_by_token ON boots (token) WHERE token IS NOT NULL;
CREATE INDEX boots_by_node ON boots (node, id);

CREATE TABLE steps (
    id      INTEGER PRIMARY KEY,
    node    TEXT NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    boot    INTEGER,
    at      INTEGER NOT NULL,
    step    TEXT NOT NULL,
    detail  TEXT NOT NULL,
    took_ms INTEGER
) STRICT;
CREATE INDEX steps_by_node ON steps (node, id);
CREATE INDEX steps_by_boot ON steps (node, boot, id);

CREATE TABLE runs (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    node            TEXT NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    boot            INTEGER,
    state           TEXT NOT NULL,
    retry_of        INTEGER,
    attempt         INTEGER NOT NULL,
    asked_by        TEXT NOT NULL,
    cause           TEXT,
    process         TEXT,          -- JSON: pid, start time, host boot
    created         INTEGER NOT NULL,
    started         INTEGER,
    ended           INTEGER,
    tasks_done      INTEGER NOT NULL,
    tasks_changed   INTEGER NOT NULL,
    task            TEXT
) STRICT;
-- The idempotency key: one boot asks for its nth run once, however often it calls home.
CREATE UNIQUE INDEX runs_once ON runs (node, boot, attempt) WHERE boot IS NOT NULL;
CREATE INDEX runs_by_node ON runs (node, id);
CREATE INDEX runs_open ON runs (state) WHERE state IN ('queued', 'running');

CREATE TABLE run_tasks (
    run  INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    seq  INTEGER NOT NULL,
    at   INTEGER NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    seq  INTEGER PRIMARY KEY,
    at   INTEGER NOT NULL,
    kind TEXT NOT NULL,
    node TEXT,
    run  INTEGER,
    data TEXT NOT NULL
) STRICT;
-- Counted here and not by max(seq), so that numbers have no gaps and none returns after old events are dropped.
CREATE TABLE event_log (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    first INTEGER NOT NULL,        -- the oldest that is kept
    last  INTEGER NOT NULL
) STRICT;
INSERT INTO event_log (one, first, last) VALUES (1, 1, 0);

CREATE TABLE keys (
    id        TEXT PRIMARY KEY,
    name      TEXT NOT NULL,
    sha256    BLOB NOT NULL UNIQUE,
    scopes    TEXT NOT NULL,       -- JSON list
    created   INTEGER NOT NULL,
    revoked   INTEGER,
    last_used INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL            -- JSON
) STRICT, WITHOUT ROWID;

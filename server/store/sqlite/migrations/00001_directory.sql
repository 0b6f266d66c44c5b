-- +goose Up

-- One row: the number and time of the latest change, the epoch of the numbers, and the highest
-- number of a collected tombstone.
CREATE TABLE feed (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    epoch    INTEGER NOT NULL,
    change   INTEGER NOT NULL,
    clock    INTEGER NOT NULL, -- microseconds since 1970, as every time here
    horizon  INTEGER NOT NULL
);
INSERT INTO feed (only_row, epoch, change, clock, horizon) VALUES (1, random(), 0, 0, 0);

-- Live users and tombstones. A tombstone has no document, and nothing of the person.
CREATE TABLE users (
    rowid      INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    version    INTEGER NOT NULL CHECK (version > 0),
    change     INTEGER NOT NULL UNIQUE,
    deleted    INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    document   TEXT    CHECK ((document IS NULL) = deleted),
    stamp      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    email_key  TEXT    NOT NULL,
    sort       TEXT    NOT NULL,
    search     TEXT    NOT NULL
);
CREATE UNIQUE INDEX users_email ON users (email_key) WHERE deleted = 0;
CREATE INDEX users_list ON users (sort, id) WHERE deleted = 0;
CREATE INDEX users_updated ON users (updated_at) WHERE deleted = 0;
CREATE INDEX tombstones ON users (updated_at) WHERE deleted = 1;

-- Idempotency records: the results of writes that took effect, by key.
CREATE TABLE records (
    key       TEXT    PRIMARY KEY,
    client_id TEXT    NOT NULL,
    hash      TEXT    NOT NULL,
    result    TEXT    NOT NULL,
    at        INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX records_at ON records (at);

-- +goose Down
DROP TABLE records;
DROP TABLE users;
DROP TABLE feed;

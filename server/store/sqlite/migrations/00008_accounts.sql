-- +goose Up

-- Who may sign in, and how. See docs/decisions/040.
CREATE TABLE accounts (
    id         TEXT    PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    display    TEXT    NOT NULL,
    role       TEXT    NOT NULL,
    disabled   INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE credentials (
    account_id TEXT    NOT NULL REFERENCES accounts (id),
    kind       TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    data       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, kind, id)
) WITHOUT ROWID;

-- Sessions, tokens and links: what a secret stands for, of which only the hash is here.
CREATE TABLE grants (
    hash       TEXT    PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    kind       TEXT    NOT NULL,
    account_id TEXT    NOT NULL REFERENCES accounts (id),
    role       TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL -- 0 for a session
) WITHOUT ROWID;

-- One row: the revision grows with each change of the tables above, except of seen_at. The key
-- seals what browsers keep for the servers of this database.
CREATE TABLE access (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    revision INTEGER NOT NULL,
    key      BLOB    NOT NULL
);
INSERT INTO access (only_row, revision, key) VALUES (1, 0, randomblob(32));

CREATE TABLE audit (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    action     TEXT    NOT NULL,
    account_id TEXT    NOT NULL,
    by_id      TEXT    NOT NULL,
    detail     TEXT    NOT NULL
);

-- +goose Down
DROP TABLE audit;
DROP TABLE access;
DROP TABLE grants;
DROP TABLE credentials;
DROP TABLE accounts;

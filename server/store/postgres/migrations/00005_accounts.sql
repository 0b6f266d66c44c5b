-- +goose Up

-- Who may sign in, and how. See docs/decisions/040.
CREATE TABLE accounts (
    id         text    COLLATE "C" PRIMARY KEY,
    name       text    COLLATE "C" NOT NULL UNIQUE,
    display    text    NOT NULL,
    role       text    NOT NULL,
    disabled   boolean NOT NULL,
    created_at bigint  NOT NULL,
    seen_at    bigint  NOT NULL
);

CREATE TABLE credentials (
    account_id text   COLLATE "C" NOT NULL REFERENCES accounts (id),
    kind       text   COLLATE "C" NOT NULL,
    id         text   COLLATE "C" NOT NULL,
    data       text   NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (account_id, kind, id)
);

-- Sessions, tokens and links: what a secret stands for, of which only the hash is here.
CREATE TABLE grants (
    hash       text   COLLATE "C" PRIMARY KEY,
    id         text   COLLATE "C" NOT NULL UNIQUE,
    kind       text   NOT NULL,
    account_id text   COLLATE "C" NOT NULL REFERENCES accounts (id),
    role       text   NOT NULL,
    name       text   NOT NULL,
    created_at bigint NOT NULL,
    seen_at    bigint NOT NULL,
    ends_at    bigint NOT NULL -- 0 for a session
);

-- One row: the revision grows with each change of the tables above, except of seen_at. Whoever
-- changes them locks it first. The key, of 244 random bits, seals what browsers keep for the servers
-- of this database.
CREATE TABLE access (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    revision bigint  NOT NULL,
    key      bytea   NOT NULL
) WITH (fillfactor = 50);
INSERT INTO access (revision, key) VALUES (0, decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));

CREATE TABLE audit (
    number     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         bigint NOT NULL,
    action     text   NOT NULL,
    account_id text   NOT NULL,
    by_id      text   NOT NULL,
    detail     text   NOT NULL
);

-- +goose Down
DROP TABLE audit;
DROP TABLE access;
DROP TABLE grants;
DROP TABLE credentials;
DROP TABLE accounts;

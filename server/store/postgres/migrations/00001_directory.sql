-- +goose Up

-- One row: the number and time of the latest change, the epoch of the numbers, and the highest
-- number of a collected tombstone. Each writer locks it first, so that the numbers are in the
-- order of the commits. Each commit makes a new version of it; free space in its page lets old
-- versions be pruned on the way.
CREATE TABLE feed (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch    bigint  NOT NULL,
    change   bigint  NOT NULL,
    clock    bigint  NOT NULL, -- microseconds since 1970, as every time here
    horizon  bigint  NOT NULL,
    digest   bytea   NOT NULL  -- of the live users
) WITH (fillfactor = 10);
INSERT INTO feed (epoch, change, clock, horizon, digest)
VALUES (('x' || left(replace(gen_random_uuid()::text, '-', ''), 16))::bit(64)::bigint, 0, 0, 0, decode(repeat('00', 520), 'hex'));

-- Live users and tombstones. A tombstone has no document, and nothing of the person.
-- Text is compared byte by byte, whatever the database's locale, as in every other store.
-- Emails are checked at the end of a statement, since one that saves a whole group may move an
-- email from one user to another.
CREATE TABLE users (
    id         text    COLLATE "C" PRIMARY KEY,
    version    bigint  NOT NULL CHECK (version > 0),
    change     bigint  NOT NULL UNIQUE,
    deleted    boolean NOT NULL,
    document   text    CHECK ((document IS NULL) = deleted),
    stamp      text    NOT NULL,
    created_at bigint  NOT NULL,
    updated_at bigint  NOT NULL,
    email_key  text    COLLATE "C" UNIQUE DEFERRABLE INITIALLY IMMEDIATE CHECK ((email_key IS NULL) = deleted),
    sort       text    COLLATE "C" NOT NULL,
    search     text    COLLATE "C" NOT NULL
);
CREATE INDEX users_list ON users (sort, id) WHERE NOT deleted;
CREATE INDEX users_updated ON users (updated_at) WHERE NOT deleted;
CREATE INDEX tombstones ON users (updated_at) WHERE deleted;

-- Idempotency records: the results of writes that took effect, by key.
CREATE TABLE records (
    key       text   COLLATE "C" PRIMARY KEY,
    client_id text   NOT NULL,
    entity_id text   COLLATE "C" NOT NULL,
    hash      text   NOT NULL,
    result    text   NOT NULL,
    at        bigint NOT NULL
);
CREATE INDEX records_at ON records (at);

-- +goose Down
DROP TABLE records;
DROP TABLE users;
DROP TABLE feed;

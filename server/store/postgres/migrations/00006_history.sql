-- +goose Up

-- Who changed what: a row for each change that an account made, with the document that it
-- replaced. The state after a change is what the next one replaced, or the user's row. Later changes
-- have later times, so there is no index of those.
CREATE TABLE history (
    change     bigint PRIMARY KEY,
    entity_id  text   COLLATE "C" NOT NULL,
    version    bigint NOT NULL,
    type       text   NOT NULL,
    account_id text   COLLATE "C" NOT NULL,
    device     text   NOT NULL,
    at         bigint NOT NULL,
    made_at    bigint NOT NULL, -- by the device's clock; 0 if it did not say
    replaced   text
);
CREATE INDEX history_entity ON history (entity_id, change);

-- +goose Down
DROP TABLE history;

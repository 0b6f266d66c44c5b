-- +goose Up

-- Who changed what: a row for each change that an account made, with the document that it
-- replaced. The state after a change is what the next one replaced, or the user's row. Later changes
-- have later times, so there is no index of those.
CREATE TABLE history (
    change     INTEGER PRIMARY KEY,
    entity_id  TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    type       TEXT    NOT NULL,
    account_id TEXT    NOT NULL,
    device     TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    made_at    INTEGER NOT NULL, -- by the device's clock; 0 if it did not say
    replaced   TEXT
);
CREATE INDEX history_entity ON history (entity_id, change);

-- +goose Down
DROP TABLE history;

-- +goose Up

-- The user of a record. Empty if the result does not name it, as with an older delete.
ALTER TABLE records ADD COLUMN entity_id TEXT NOT NULL DEFAULT '';
UPDATE records SET entity_id = coalesce(result ->> '$.document.id', '');

-- +goose Down
ALTER TABLE records DROP COLUMN entity_id;

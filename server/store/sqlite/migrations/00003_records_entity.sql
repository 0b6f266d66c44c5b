-- +goose Up

-- Whom a record is about: empty where the result doesn't say, as with a delete from
-- before this.
ALTER TABLE records ADD COLUMN entity_id TEXT NOT NULL DEFAULT '';
UPDATE records SET entity_id = coalesce(result ->> '$.document.id', '');

-- +goose Down
ALTER TABLE records DROP COLUMN entity_id;

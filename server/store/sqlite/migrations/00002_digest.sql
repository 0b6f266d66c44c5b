-- +goose Up

-- The digest of the live users, beside the counter, so that one update saves both.
ALTER TABLE feed ADD COLUMN digest BLOB NOT NULL DEFAULT x'';

-- +goose Down
ALTER TABLE feed DROP COLUMN digest;

-- +goose Up

-- A page of the list, and a search, come from this index alone: people who follow each
-- other by name lie all over the table, and each would be a page of the file. So it has
-- all that these read, also the column that it is partial by; the long text is last.
DROP INDEX users_list;
CREATE INDEX users_list ON users (sort, id, deleted, updated_at, search, document) WHERE deleted = 0;

-- +goose Down
DROP INDEX users_list;
CREATE INDEX users_list ON users (sort, id) WHERE deleted = 0;

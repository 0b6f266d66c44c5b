-- +goose Up

-- A covering index for the list and the search: consecutive users by name are scattered over
-- the table, and each would be another page of the file. It also has the column that it is
-- partial by; the long text is last.
DROP INDEX users_list;
CREATE INDEX users_list ON users (sort, id, deleted, updated_at, search, document) WHERE deleted = 0;

-- +goose Down
DROP INDEX users_list;
CREATE INDEX users_list ON users (sort, id) WHERE deleted = 0;

-- +goose Up

-- Records keep no text of a person, and nothing that is derived from it: no document, and no
-- hash of a name and an email. The key of a client's operation begins with the time, so it comes
-- before the scope. Versions and statuses are taken out of the older results.
CREATE TABLE records_without_text (
    key       TEXT    NOT NULL,
    scope     TEXT    NOT NULL,
    entity_id TEXT    NOT NULL,
    request   TEXT    NOT NULL,
    version   INTEGER NOT NULL,
    status    TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (key, scope)
) WITHOUT ROWID;
INSERT INTO records_without_text
SELECT key, scope, entity_id, '', coalesce(result ->> '$.version', 0), result ->> '$.status', at FROM (
    SELECT key, CASE WHEN key LIKE 'request:%' THEN '' ELSE client_id END AS scope, entity_id,
        CASE WHEN json_valid(result) THEN result END AS result, at
    FROM records
) WHERE entity_id <> '' AND result ->> '$.status' IN ('applied', 'duplicate');
DROP TABLE records;
ALTER TABLE records_without_text RENAME TO records;
CREATE INDEX records_at ON records (at);

-- +goose Down
DROP TABLE records;
CREATE TABLE records (
    key       TEXT    PRIMARY KEY,
    client_id TEXT    NOT NULL,
    hash      TEXT    NOT NULL,
    result    TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    entity_id TEXT    NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX records_at ON records (at);

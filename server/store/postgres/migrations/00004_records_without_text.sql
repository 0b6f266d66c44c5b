-- +goose Up

-- Older servers wait before they lock anything: see lockOut.
LOCK TABLE feed IN EXCLUSIVE MODE;

-- Records keep no text of a person, and nothing that is derived from it: no document, and no
-- hash of a name and an email. The key of a client's operation begins with the time, so it comes
-- before the scope. Versions and statuses are taken out of the older results, where they stand
-- before the document. A new table, since the values of a dropped column stay in the rows.
CREATE TABLE records_without_text (
    key       text   COLLATE "C" NOT NULL,
    scope     text   COLLATE "C" NOT NULL,
    entity_id text   COLLATE "C" NOT NULL,
    request   text   NOT NULL,
    version   bigint NOT NULL,
    status    text   NOT NULL,
    at        bigint NOT NULL,
    PRIMARY KEY (key, scope)
);
INSERT INTO records_without_text
SELECT key, CASE WHEN key LIKE 'request:%' THEN '' ELSE client_id END, entity_id, '',
    coalesce(substring(result FROM '"version":([0-9]{1,18})')::bigint, 0), substring(result FROM '"status":"([a-z]+)"'), at
FROM records WHERE entity_id <> '' AND substring(result FROM '"status":"([a-z]+)"') IN ('applied', 'duplicate');
DROP TABLE records;
ALTER TABLE records_without_text RENAME TO records;
ALTER INDEX records_without_text_pkey RENAME TO records_pkey;
CREATE INDEX records_at ON records (at);

-- +goose Down
DROP TABLE records;
CREATE TABLE records (
    key       text   COLLATE "C" PRIMARY KEY,
    client_id text   NOT NULL,
    entity_id text   COLLATE "C" NOT NULL,
    hash      text   NOT NULL,
    result    text   NOT NULL,
    at        bigint NOT NULL
);
CREATE INDEX records_at ON records (at);

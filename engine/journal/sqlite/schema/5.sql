-- Version 5. Never changed once released: a later version is a file of its own.

-- What made an entry be decided: what a run did is counted without reading the
-- entries themselves.
ALTER TABLE entry ADD COLUMN "trigger" TEXT NOT NULL DEFAULT '';
UPDATE entry SET "trigger" = coalesce(json_extract(body, '$.trigger'), '');

-- Version 7. Never changed once released: a later version is a file of its own.

-- url holds the values of the expressions in the URL of the endpoint, a JSON object,
-- or nothing. The URL itself is in no column.
ALTER TABLE delivery ADD COLUMN url TEXT NOT NULL DEFAULT '';

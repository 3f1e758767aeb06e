-- Version 7. Never changed once released: a later version is a file of its own.

-- url holds the values of the expressions in the URL of the endpoint, a JSON object,
-- or nothing. The URL itself is in no column.
ALTER TABLE delivery ADD COLUMN url TEXT NOT NULL DEFAULT '';

-- What a call sends of its message as it is. raw is how many octets were recorded with
-- the call, 0 for none, and stays; the octets themselves are in a table of their own,
-- so that no list of calls reads them. call is the row of the delivery.
ALTER TABLE delivery ADD COLUMN raw INTEGER NOT NULL DEFAULT 0;
CREATE TABLE raw (
  call      INTEGER PRIMARY KEY,
  truncated INTEGER NOT NULL,
  data      BLOB NOT NULL
) STRICT;

-- It goes in the commit after which nothing sends it, whichever that is. It is
-- overwritten first, for what is deleted alone stays in the file.
CREATE TRIGGER raw_sent AFTER UPDATE OF state ON delivery WHEN NEW.raw > 0 AND NEW.state IN ('delivered', 'cancelled', 'gathered') BEGIN
  UPDATE raw SET data = zeroblob(length(data)) WHERE call = NEW.row;
  DELETE FROM raw WHERE call = NEW.row;
END;
CREATE TRIGGER raw_pruned AFTER DELETE ON delivery WHEN OLD.raw > 0 BEGIN
  UPDATE raw SET data = zeroblob(length(data)) WHERE call = OLD.row;
  DELETE FROM raw WHERE call = OLD.row;
END;

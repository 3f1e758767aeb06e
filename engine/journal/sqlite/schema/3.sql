-- Version 3. Never changed once released: a later version is a file of its own.

-- The webhooks of one message are what its history shows.
CREATE INDEX delivery_seq ON delivery (account, seq);

-- EMAILID (RFC 8474) of a message, '' where the server has none.
ALTER TABLE known ADD COLUMN email_id TEXT NOT NULL DEFAULT '';
ALTER TABLE entry ADD COLUMN email_id TEXT NOT NULL DEFAULT '';
ALTER TABLE expected ADD COLUMN email_id TEXT NOT NULL DEFAULT '';
CREATE INDEX entry_email ON entry (account, email_id, seq) WHERE email_id <> '';

-- With the sequence at its end the newest acts on a message are a range of the
-- index. Without it SQLite read every entry of the account instead.
DROP INDEX entry_print;
CREATE INDEX entry_print ON entry (account, message_id, received, size, seq);

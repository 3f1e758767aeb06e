-- Version 3. Never changed once released: a later version is a file of its own.

-- The webhooks of one message are what its history shows.
CREATE INDEX delivery_seq ON delivery (account, seq);

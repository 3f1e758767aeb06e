-- Version 6. Never changed once released: a later version is a file of its own.

-- about names the message that a call is about: the calls of one message to one
-- endpoint keep their order. restarted counts the attempts before the last replay.
ALTER TABLE delivery ADD COLUMN about TEXT NOT NULL DEFAULT '';
ALTER TABLE delivery ADD COLUMN restarted INTEGER NOT NULL DEFAULT 0;

-- sender is who the message is from, held why the call waits until next though it
-- could be made, digest the call that says what this one would have said.
ALTER TABLE delivery ADD COLUMN sender TEXT NOT NULL DEFAULT '';
ALTER TABLE delivery ADD COLUMN held TEXT NOT NULL DEFAULT '';
ALTER TABLE delivery ADD COLUMN digest TEXT NOT NULL DEFAULT '';
UPDATE delivery SET about = coalesce((
  SELECT e.mailbox || ' ' || e.uidvalidity || ' ' || e.uid FROM entry e WHERE e.account = delivery.account AND e.seq = delivery.seq), '');
CREATE INDEX delivery_about ON delivery (account, endpoint, about, row) WHERE state = 'pending';

-- The next calls of one endpoint are a range, in their order.
DROP INDEX delivery_next;
CREATE INDEX delivery_next ON delivery (account, state, endpoint, next);

-- What came of each attempt. call is the row of the delivery.
CREATE TABLE attempt (
  call   INTEGER NOT NULL,
  n      INTEGER NOT NULL,
  at     INTEGER NOT NULL,
  took   INTEGER NOT NULL, -- microseconds
  status INTEGER NOT NULL,
  error  TEXT NOT NULL,
  answer TEXT NOT NULL,
  PRIMARY KEY (call, n)
) STRICT, WITHOUT ROWID;
INSERT INTO attempt SELECT row, attempts, updated, 0, last_status, last_error, '' FROM delivery WHERE attempts > 0;

-- Endpoints that said that they want no more calls. url is a digest of the URL
-- that said it.
CREATE TABLE disabled (
  account  INTEGER NOT NULL,
  endpoint TEXT NOT NULL,
  url      TEXT NOT NULL,
  since    INTEGER NOT NULL,
  reason   TEXT NOT NULL,
  PRIMARY KEY (account, endpoint)
) STRICT, WITHOUT ROWID;

-- Version 2. Never changed once released: a later version is a file of its own.

-- seen counts up through the account with each message that is handled, so
-- that of two messages in different mailboxes the earlier one can be told.
ALTER TABLE account ADD COLUMN next_seen INTEGER NOT NULL DEFAULT 1;
ALTER TABLE known ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;

-- Of what was handled before, only the order within a mailbox is known, and it
-- is kept. Over mailboxes the INTERNALDATE is the best that there is: that of a
-- message, or of a newer one that its mailbox had before it.
UPDATE known SET seen = o.n FROM (
  SELECT mailbox, position, row_number() OVER (PARTITION BY account ORDER BY latest, mailbox, position) AS n
  FROM (
    SELECT m.account AS account, k.mailbox AS mailbox, k.position AS position,
      max(k.received) OVER (PARTITION BY k.mailbox ORDER BY k.position) AS latest
    FROM known k JOIN mailbox m ON m.id = k.mailbox
  )
) AS o WHERE known.mailbox = o.mailbox AND known.position = o.position;
UPDATE account SET next_seen = 1 + (
  SELECT coalesce(max(k.seen), 0) FROM known k JOIN mailbox m ON m.id = k.mailbox WHERE m.account = account.id);

CREATE INDEX known_message ON known (message_id, seen) WHERE message_id <> '';

-- Which messages are referred to by others: of each Message-ID the newest
-- reference. position counts up in each account, so the newest are a range.
CREATE TABLE reference (
  account     INTEGER NOT NULL,
  message_id  TEXT NOT NULL,
  position    INTEGER NOT NULL,
  mailbox     TEXT NOT NULL,
  uidvalidity INTEGER NOT NULL,
  uid         INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  PRIMARY KEY (account, message_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX reference_position ON reference (account, position);

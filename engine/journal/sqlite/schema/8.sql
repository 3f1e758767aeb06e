-- Version 8. Never changed once released: a later version is a file of its own.

-- Messages that lie in a snooze mailbox until they are due. seq is the entry that put
-- them there, which is kept as long. uid is 0 where nobody told it, uidvalidity where
-- the mailbox did not exist yet; back is the mailbox to go back to.
CREATE TABLE snoozed (
  account     INTEGER NOT NULL,
  seq         INTEGER NOT NULL,
  mailbox     TEXT NOT NULL,
  uidvalidity INTEGER NOT NULL,
  uid         INTEGER NOT NULL,
  message_id  TEXT NOT NULL,
  received    INTEGER NOT NULL,
  size        INTEGER NOT NULL,
  email_id    TEXT NOT NULL,
  back        TEXT NOT NULL,
  due         INTEGER NOT NULL,
  rule        TEXT NOT NULL,
  PRIMARY KEY (account, seq)
) STRICT, WITHOUT ROWID;

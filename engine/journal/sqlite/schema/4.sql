-- Version 4. Never changed once released: a later version is a file of its own.

-- The last run of each scheduled rule. ended is 0 while one is under way.
CREATE TABLE run (
  account INTEGER NOT NULL,
  rule    TEXT NOT NULL,
  due     INTEGER NOT NULL,
  started INTEGER NOT NULL,
  ended   INTEGER NOT NULL,
  body    TEXT NOT NULL, -- JSON object
  PRIMARY KEY (account, rule)
) STRICT, WITHOUT ROWID;

-- Which messages of a mailbox carry a flag that rules wait for.
CREATE TABLE flagged (
  account     INTEGER NOT NULL,
  mailbox     TEXT NOT NULL,
  flag        TEXT NOT NULL,
  uidvalidity INTEGER NOT NULL,
  modseq      INTEGER NOT NULL,
  uids        TEXT NOT NULL, -- sequence-set (RFC 9051 section 9)
  PRIMARY KEY (account, mailbox, flag)
) STRICT, WITHOUT ROWID;

-- What was done to the message in one place, whatever it was done for.
CREATE INDEX entry_place ON entry (account, mailbox, uidvalidity, uid, seq);

-- Until when an entry is kept that says what a rule on a clock did: as long as
-- the rule sees the message, and a year longer. 0 for all others.
ALTER TABLE entry ADD COLUMN keep INTEGER NOT NULL DEFAULT 0;

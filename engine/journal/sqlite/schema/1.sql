-- Version 1. Never changed once released: a later version is a file of its own.

CREATE TABLE account (
  id       INTEGER PRIMARY KEY,
  name     TEXT NOT NULL UNIQUE,
  epoch    INTEGER NOT NULL,
  holder   TEXT NOT NULL,
  acquired INTEGER NOT NULL,
  listed   INTEGER,
  known    INTEGER NOT NULL DEFAULT 0, -- 1 once a cursor or a listing was written
  next_seq INTEGER NOT NULL DEFAULT 1
) STRICT;

-- A mailbox has a cursor when version is above 0.
CREATE TABLE mailbox (
  id            INTEGER PRIMARY KEY,
  account       INTEGER NOT NULL,
  name          TEXT NOT NULL,
  version       INTEGER NOT NULL DEFAULT 0,
  uidvalidity   INTEGER NOT NULL DEFAULT 0,
  floor         INTEGER NOT NULL DEFAULT 0,
  handled       TEXT NOT NULL DEFAULT '', -- sequence-set (RFC 9051 section 9)
  highestmodseq INTEGER NOT NULL DEFAULT 0,
  scanned       INTEGER NOT NULL DEFAULT 0,
  next_known    INTEGER NOT NULL DEFAULT 1,
  UNIQUE (account, name)
) STRICT;

-- position counts up in each mailbox, so the newest are a range of the key.
CREATE TABLE known (
  mailbox     INTEGER NOT NULL,
  position    INTEGER NOT NULL,
  uidvalidity INTEGER NOT NULL,
  uid         INTEGER NOT NULL,
  message_id  TEXT NOT NULL,
  received    INTEGER NOT NULL,
  size        INTEGER NOT NULL,
  PRIMARY KEY (mailbox, position)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX known_uid ON known (mailbox, uidvalidity, uid);

CREATE TABLE entry (
  id          INTEGER PRIMARY KEY,
  account     INTEGER NOT NULL,
  seq         INTEGER NOT NULL,
  mailbox     TEXT NOT NULL,
  uidvalidity INTEGER NOT NULL,
  uid         INTEGER NOT NULL,
  message_id  TEXT NOT NULL,
  received    INTEGER NOT NULL,
  size        INTEGER NOT NULL,
  state       TEXT NOT NULL,
  acted       INTEGER NOT NULL,
  rules       TEXT NOT NULL, -- JSON array
  decided     INTEGER NOT NULL,
  updated     INTEGER NOT NULL,
  body        TEXT NOT NULL, -- JSON object
  UNIQUE (account, seq)
) STRICT;
CREATE INDEX entry_state ON entry (account, state, seq);
CREATE INDEX entry_print ON entry (account, message_id, received, size);
CREATE INDEX entry_updated ON entry (account, updated);

CREATE TABLE expected (
  account     INTEGER NOT NULL,
  id          TEXT NOT NULL,
  mailbox     TEXT NOT NULL,
  uidvalidity INTEGER NOT NULL,
  uidnext     INTEGER NOT NULL,
  message_id  TEXT NOT NULL,
  received    INTEGER NOT NULL,
  size        INTEGER NOT NULL,
  recorded    INTEGER NOT NULL,
  PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE pause (
  account INTEGER NOT NULL,
  target  TEXT NOT NULL,
  reason  TEXT NOT NULL,
  since   INTEGER NOT NULL,
  probe   INTEGER NOT NULL,
  PRIMARY KEY (account, target)
) STRICT, WITHOUT ROWID;

CREATE TABLE creation (
  id      INTEGER PRIMARY KEY,
  account INTEGER NOT NULL,
  rule    TEXT NOT NULL,
  mailbox TEXT NOT NULL,
  at      INTEGER NOT NULL
) STRICT;
CREATE INDEX creation_at ON creation (account, at);

CREATE TABLE delivery (
  row         INTEGER PRIMARY KEY,
  account     INTEGER NOT NULL,
  id          TEXT NOT NULL,
  endpoint    TEXT NOT NULL,
  rule        TEXT NOT NULL,
  seq         INTEGER NOT NULL,
  created     INTEGER NOT NULL,
  attempts    INTEGER NOT NULL,
  next        INTEGER NOT NULL,
  state       TEXT NOT NULL,
  last_status INTEGER NOT NULL,
  last_error  TEXT NOT NULL,
  updated     INTEGER NOT NULL,
  payload     BLOB NOT NULL,
  UNIQUE (account, id)
) STRICT;
CREATE INDEX delivery_next ON delivery (account, state, next);
CREATE INDEX delivery_updated ON delivery (account, updated) WHERE state <> 'pending';

-- AUTOINCREMENT: an identifier that a reader has seen is never given again.
CREATE TABLE event (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER NOT NULL,
  at      INTEGER NOT NULL,
  kind    TEXT NOT NULL,
  mailbox TEXT NOT NULL,
  uid     INTEGER NOT NULL,
  rule    TEXT NOT NULL,
  seq     INTEGER NOT NULL,
  text    TEXT NOT NULL
) STRICT;
CREATE INDEX event_account ON event (account, id);

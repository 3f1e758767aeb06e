-- The schema of version 1 as it was released. DO NOT EDIT: files like this exist.

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

INSERT INTO account VALUES (1, 'home', 5, 'old:1', 946684800000000, 946684800000000, 1, 8);
INSERT INTO mailbox VALUES (1, 1, 'INBOX', 3, 17, 100, '102:104,200', 9, 946684800000000, 2);
INSERT INTO known VALUES (1, 1, 17, 102, '<1@example.org>', 946684800000000, 1001);
INSERT INTO entry VALUES (1, 1, 7, 'INBOX', 17, 102, '<1@example.org>', 946684800000000, 1001, 'open', 0, '["lists"]',
  946684800000000, 946684800000000, '{"trigger":"arrival","plan":{"items":[{"action":{"kind":"trash"},"rule":"lists","index":0}]}}');
INSERT INTO expected VALUES (1, '7.0', 'Trash', 3, 4, '<1@example.org>', 946684800000000, 1001, 946684800000000);
INSERT INTO pause VALUES (1, 'B', 'over quota', 946684800000000, 946684800000000);
INSERT INTO delivery VALUES (1, 1, 'msg_1', 'ci', 'lists', 7, 946684800000000, 0, 946684800000000, 'pending', 0, '', 946684800000000, x'7b7d');
INSERT INTO event VALUES (1, 1, 946684800000000, 'baseline', 'INBOX', 0, '', 0, 'one mailbox');
PRAGMA application_id = 1229803596;
PRAGMA user_version = 1;

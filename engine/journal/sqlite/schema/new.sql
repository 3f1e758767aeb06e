-- What all migrations make of an empty file, in their order. It is made from them: go test -run NewSchema -update

CREATE TABLE account (
  id       INTEGER PRIMARY KEY,
  name     TEXT NOT NULL UNIQUE,
  epoch    INTEGER NOT NULL,
  holder   TEXT NOT NULL,
  acquired INTEGER NOT NULL,
  listed   INTEGER,
  known    INTEGER NOT NULL DEFAULT 0, -- 1 once a cursor or a listing was written
  next_seq INTEGER NOT NULL DEFAULT 1
, next_seen INTEGER NOT NULL DEFAULT 1) STRICT;

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

CREATE TABLE known (
  mailbox     INTEGER NOT NULL,
  position    INTEGER NOT NULL,
  uidvalidity INTEGER NOT NULL,
  uid         INTEGER NOT NULL,
  message_id  TEXT NOT NULL,
  received    INTEGER NOT NULL,
  size        INTEGER NOT NULL, seen INTEGER NOT NULL DEFAULT 0, email_id TEXT NOT NULL DEFAULT '',
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
  body        TEXT NOT NULL, email_id TEXT NOT NULL DEFAULT '', keep INTEGER NOT NULL DEFAULT 0, "trigger" TEXT NOT NULL DEFAULT '', -- JSON object
  UNIQUE (account, seq)
) STRICT;

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
  recorded    INTEGER NOT NULL, email_id TEXT NOT NULL DEFAULT '',
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
  payload     BLOB NOT NULL, about TEXT NOT NULL DEFAULT '', restarted INTEGER NOT NULL DEFAULT 0, sender TEXT NOT NULL DEFAULT '', held TEXT NOT NULL DEFAULT '', digest TEXT NOT NULL DEFAULT '', url TEXT NOT NULL DEFAULT '', raw INTEGER NOT NULL DEFAULT 0,
  UNIQUE (account, id)
) STRICT;

CREATE INDEX delivery_updated ON delivery (account, updated) WHERE state <> 'pending';

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

CREATE INDEX known_message ON known (message_id, seen) WHERE message_id <> '';

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

CREATE INDEX delivery_seq ON delivery (account, seq);

CREATE INDEX entry_email ON entry (account, email_id, seq) WHERE email_id <> '';

CREATE INDEX entry_print ON entry (account, message_id, received, size, seq);

CREATE TABLE run (
  account INTEGER NOT NULL,
  rule    TEXT NOT NULL,
  due     INTEGER NOT NULL,
  started INTEGER NOT NULL,
  ended   INTEGER NOT NULL,
  body    TEXT NOT NULL, -- JSON object
  PRIMARY KEY (account, rule)
) STRICT, WITHOUT ROWID;

CREATE TABLE flagged (
  account     INTEGER NOT NULL,
  mailbox     TEXT NOT NULL,
  flag        TEXT NOT NULL,
  uidvalidity INTEGER NOT NULL,
  modseq      INTEGER NOT NULL,
  uids        TEXT NOT NULL, -- sequence-set (RFC 9051 section 9)
  PRIMARY KEY (account, mailbox, flag)
) STRICT, WITHOUT ROWID;

CREATE INDEX entry_place ON entry (account, mailbox, uidvalidity, uid, seq);

CREATE INDEX delivery_about ON delivery (account, endpoint, about, row) WHERE state = 'pending';

CREATE INDEX delivery_next ON delivery (account, state, endpoint, next);

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

CREATE TABLE disabled (
  account  INTEGER NOT NULL,
  endpoint TEXT NOT NULL,
  url      TEXT NOT NULL,
  since    INTEGER NOT NULL,
  reason   TEXT NOT NULL,
  PRIMARY KEY (account, endpoint)
) STRICT, WITHOUT ROWID;

CREATE TABLE raw (
  call      INTEGER PRIMARY KEY,
  truncated INTEGER NOT NULL,
  data      BLOB NOT NULL
) STRICT;

CREATE TRIGGER raw_sent AFTER UPDATE OF state ON delivery WHEN NEW.raw > 0 AND NEW.state IN ('delivered', 'cancelled', 'gathered') BEGIN
  UPDATE raw SET data = zeroblob(length(data)) WHERE call = NEW.row;
  DELETE FROM raw WHERE call = NEW.row;
END;

CREATE TRIGGER raw_pruned AFTER DELETE ON delivery WHEN OLD.raw > 0 BEGIN
  UPDATE raw SET data = zeroblob(length(data)) WHERE call = OLD.row;
  DELETE FROM raw WHERE call = OLD.row;
END;

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

CREATE INDEX entry_state ON entry (account, state, seq) WHERE state <> 'done';

-- Several servers on one database. A replica is one run of a server: its number is never used again.
-- gone: 0 it lives, 1 what it owned is another's, 2 it left and somebody has to take over.
CREATE TABLE replicas (
  id BIGINT PRIMARY KEY,
  name TEXT NOT NULL,
  joined_ms BIGINT NOT NULL,
  beat BIGINT NOT NULL,
  commits BIGINT NOT NULL,
  gone BIGINT NOT NULL
);
-- What belongs to one replica until it is gone: the limit of a pipeline's executions, the duties of one.
CREATE TABLE ownerships (
  name TEXT NOT NULL PRIMARY KEY,
  owner BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('claims', 0);
-- 0: the only server there is.
ALTER TABLE executions ADD COLUMN owner BIGINT NOT NULL DEFAULT 0;
CREATE INDEX executions_owner ON executions (owner) WHERE finished = 0 AND owner > 0;
CREATE INDEX ownerships_owner ON ownerships (owner);

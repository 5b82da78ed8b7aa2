-- Words of our own: BIGINT PRIMARY KEY (the row's own number), BYTES, and CLUSTERED (rows lie in the order of the primary key).

CREATE TABLE counters (
  name TEXT NOT NULL PRIMARY KEY,
  value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('inbox', 0);

-- Narrow: all that is listed, counted or claimed. state is last, since lists do not read it.
CREATE TABLE executions (
  key BIGINT PRIMARY KEY,
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  application TEXT NOT NULL,
  config_id TEXT,
  name TEXT,
  status TEXT NOT NULL,
  correlation_id TEXT,
  parent_id TEXT,
  build_ms BIGINT NOT NULL,
  start_ms BIGINT NOT NULL,
  end_ms BIGINT NOT NULL,
  finished BIGINT NOT NULL,
  version BIGINT NOT NULL,
  state BYTES
);
CREATE UNIQUE INDEX executions_id ON executions (id);
CREATE UNIQUE INDEX executions_correlation ON executions (correlation_id) WHERE correlation_id IS NOT NULL AND finished = 0;
CREATE INDEX executions_parent ON executions (parent_id, build_ms) WHERE parent_id IS NOT NULL;
CREATE INDEX executions_type ON executions (type, build_ms);
CREATE INDEX executions_application ON executions (type, application, build_ms);
CREATE INDEX executions_config ON executions (type, config_id, build_ms);
-- One row of these is written when an execution finishes, none by its other updates.
CREATE INDEX executions_unfinished ON executions (type, build_ms) WHERE finished = 0;
CREATE INDEX executions_application_unfinished ON executions (type, application, build_ms) WHERE finished = 0;
CREATE INDEX executions_config_unfinished ON executions (type, config_id, build_ms) WHERE finished = 0;
CREATE INDEX executions_application_finished ON executions (type, application, status, build_ms) WHERE finished = 1;
CREATE INDEX executions_config_finished ON executions (type, config_id, status, build_ms) WHERE finished = 1;

-- Written once. shared: the hashes of values that lie in shared_values, separated by spaces.
CREATE TABLE execution_bodies (
  key BIGINT PRIMARY KEY,
  shared TEXT,
  body BYTES NOT NULL
);

-- key: the execution's × 65,536 + position. All configured stages are inserted with the execution, then updated.
CREATE TABLE stages (
  key BIGINT PRIMARY KEY,
  id TEXT NOT NULL,
  status TEXT NOT NULL,
  shared TEXT,
  body BYTES NOT NULL
);

CREATE TABLE shared_values (
  hash TEXT NOT NULL PRIMARY KEY,
  body BYTES NOT NULL
);
CREATE TABLE shared_uses (
  execution_key BIGINT NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (execution_key, hash)
) CLUSTERED;
CREATE INDEX shared_uses_hash ON shared_uses (hash);

CREATE TABLE inbox (
  number BIGINT PRIMARY KEY,
  recipient_id TEXT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX inbox_recipient ON inbox (recipient_id, number);

CREATE TABLE objects (
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  application TEXT,
  name TEXT,
  version BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  updated_by TEXT,
  body BYTES NOT NULL,
  PRIMARY KEY (kind, id)
);
CREATE TABLE object_history (
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  version BIGINT NOT NULL,
  application TEXT,
  name TEXT,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  updated_by TEXT,
  body BYTES NOT NULL,
  PRIMARY KEY (kind, id, version)
);

CREATE TABLE operations (
  id TEXT NOT NULL PRIMARY KEY,
  execution_id TEXT,
  stage_id TEXT,
  cloud TEXT,
  account TEXT,
  status TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL,
  version BIGINT NOT NULL,
  request BYTES,
  state BYTES
);
CREATE INDEX operations_execution ON operations (execution_id) WHERE execution_id IS NOT NULL;
CREATE INDEX operations_unfinished ON operations (created_ms) WHERE status = 'RUNNING';
CREATE INDEX operations_alone ON operations (updated_ms) WHERE execution_id IS NULL AND status <> 'RUNNING';
CREATE TABLE operation_lines (
  operation_id TEXT NOT NULL,
  number BIGINT NOT NULL,
  time_ms BIGINT NOT NULL,
  phase TEXT,
  status TEXT,
  PRIMARY KEY (operation_id, number)
) CLUSTERED;

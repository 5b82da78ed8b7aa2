-- Events that may start pipelines, and for each of them why it did or did not. handled_ms 0: still to be looked at.
CREATE TABLE trigger_events (
  number BIGINT PRIMARY KEY,
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  source TEXT,
  delivery TEXT,
  created_ms BIGINT NOT NULL,
  handled_ms BIGINT NOT NULL,
  considered BIGINT NOT NULL,
  started BIGINT NOT NULL,
  left_out BIGINT NOT NULL,
  repeats BIGINT NOT NULL,
  note TEXT,
  body BYTES
);
INSERT INTO counters (name, value) VALUES ('trigger_events', 0);
CREATE UNIQUE INDEX trigger_events_id ON trigger_events (id);
CREATE UNIQUE INDEX trigger_events_delivery ON trigger_events (delivery) WHERE delivery IS NOT NULL;
CREATE INDEX trigger_events_open ON trigger_events (number) WHERE handled_ms = 0;
CREATE INDEX trigger_events_created ON trigger_events (created_ms);

CREATE TABLE trigger_decisions (
  event_number BIGINT NOT NULL,
  position BIGINT NOT NULL,
  pipeline_id TEXT NOT NULL,
  pipeline_name TEXT,
  application TEXT NOT NULL,
  trigger_index BIGINT NOT NULL,
  trigger_id TEXT,
  trigger_type TEXT,
  execution_id TEXT,
  decided_ms BIGINT NOT NULL,
  reason TEXT NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY (event_number, position)
) CLUSTERED;
CREATE INDEX trigger_decisions_pipeline ON trigger_decisions (pipeline_id, event_number);
CREATE INDEX trigger_decisions_application ON trigger_decisions (application, event_number);
CREATE INDEX trigger_decisions_execution ON trigger_decisions (execution_id) WHERE execution_id IS NOT NULL;

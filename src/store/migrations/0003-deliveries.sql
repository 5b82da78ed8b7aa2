-- Events for others: each row is sent in the order of its numbers within its lane, and removed when it was answered.
CREATE TABLE deliveries (
  number BIGINT PRIMARY KEY,
  destination TEXT NOT NULL,
  lane BIGINT NOT NULL,
  execution_id TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  body BYTES NOT NULL
);
INSERT INTO counters (name, value) VALUES ('deliveries', 0);
CREATE INDEX deliveries_next ON deliveries (destination, lane, number);

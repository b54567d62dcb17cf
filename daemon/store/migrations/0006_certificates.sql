-- When the first of a node's certificates ends, and what a run is for: a run that renews certificates leaves its node as it
-- is, so a binary that takes it for any other run must refuse this database.

ALTER TABLE nodes ADD COLUMN certificates INTEGER;
ALTER TABLE runs ADD COLUMN purpose TEXT NOT NULL DEFAULT 'configure';

-- An identity says which disk keeps its host keys and machine id. Nodes of before have none.
-- A number of its own although no column changes: a binary that does not know the field would drop it at its next write
-- and take whoever comes with other keys for the same machine, so it must refuse this database.

UPDATE nodes SET identity = json_set(identity, '$.kept', json('null')) WHERE identity IS NOT NULL;

-- An identity says which TPM it rests on. Nodes of before rest on none.
-- A number of its own although no column changes: a binary that does not know the field would drop it at its next write
-- and take a machine with another TPM for the same one, so it must refuse this database.

UPDATE nodes SET identity = json_set(identity, '$.tpm', json('null')) WHERE identity IS NOT NULL;

-- An identity says when its pinned host key first answered: until then its node is in no inventory.
-- Whoever has got as far as Ansible has answered; of the others nobody wrote it down, and their next launch does.
-- A number of its own although no column changes: a binary that does not know the field would put nodes into the inventory
-- that never answered, so it must refuse this database.

UPDATE nodes SET identity = json_set(identity, '$.answered',
        CASE WHEN state IN ('configuring', 'verifying', 'ready')
            THEN strftime('%Y-%m-%dT%H:%M:%SZ', since / 1000000, 'unixepoch') END)
    WHERE identity IS NOT NULL;

-- Which Nomad client a node was found to run since its last boot. Nodes of before were found to run none.

ALTER TABLE nodes ADD COLUMN nomad TEXT;

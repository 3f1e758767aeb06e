-- Version 9. Never changed once released: a later version is a file of its own.

-- Nobody looks for what is done by its state, and that is what nearly all entries
-- become: none of them is in this index, so that an outcome leaves it and enters it
-- nowhere else. A question names the condition, or SQLite does not see that the index
-- answers it.
DROP INDEX entry_state;
CREATE INDEX entry_state ON entry (account, state, seq) WHERE state <> 'done';

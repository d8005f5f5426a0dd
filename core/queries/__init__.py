"""Questions to the store, each a function that returns a frame; the SQL for them is written only here."""

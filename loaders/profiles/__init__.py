"""Any table, read by a mapping that its user confirmed once."""

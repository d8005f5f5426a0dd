"""Files as they come: text, tables, workbooks, fixed-width and BER records, read within limits."""

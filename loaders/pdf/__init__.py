"""PDF invoices with text, read by templates that their user can edit."""

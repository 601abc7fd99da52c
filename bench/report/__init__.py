"""What is shown of a table of records: tables, figures, claims and a page. Imports no torch."""

"""Everything the hub remembers: rows in SQLite, git objects, large files."""

"""The way to the Hub: one port, one adapter. Retries, redaction and the mapping of errors live here only."""

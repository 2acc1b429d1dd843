"""The Hub's HTTP API, one router for each of its sections."""

"""Reads a folder into a Snapshot; the only room that reads the user's files."""

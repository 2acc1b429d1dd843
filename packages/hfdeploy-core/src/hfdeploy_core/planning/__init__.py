"""Decides: values in, values out. Nothing here knows a client, a clock, a disk or the environment."""

"""The way to the upstream: one port, two engines."""

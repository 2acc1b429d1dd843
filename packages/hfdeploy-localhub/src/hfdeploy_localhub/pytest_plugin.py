"""The pytest plugin: a local hub as a fixture."""

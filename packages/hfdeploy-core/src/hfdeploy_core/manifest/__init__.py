"""The manifest: several targets and how they depend on each other, read, checked and resolved. Pure."""

"""The relay's own pages, all below one reserved prefix."""

"""What steps do: one module a kind."""

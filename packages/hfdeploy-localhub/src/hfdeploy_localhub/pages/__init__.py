"""Pages for people: what the hub holds, rendered on the server. What they show is never trusted."""

"""The pumps: one client's request or WebSocket, carried to the upstream and back."""

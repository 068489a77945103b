"""What flows on the edges of the germanium graph, and its settings."""

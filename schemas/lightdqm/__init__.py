"""What flows on the edges of the light data-quality graph, and its settings."""

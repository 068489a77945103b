"""The engine: what runs the graph of any pipeline over its data."""

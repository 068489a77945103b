"""What flows in the graph of cosmic-ray background: frames, cuts, counts, settings."""

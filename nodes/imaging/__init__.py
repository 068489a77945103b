"""The imaging pipeline: hits, events, energies, cones, images."""

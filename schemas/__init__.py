"""What flows on the edges of the graphs: frames, arrays of arrays, settings, errors."""

"""Self-contained pages and pictures from templates: skeleton, parts, arrays that zoom, graphs."""

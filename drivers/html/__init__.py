"""One self-contained HTML page: skeleton, parts, and pictures of arrays that zoom."""

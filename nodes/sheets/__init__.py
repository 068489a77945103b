"""Pages of plain shapes: scales and frames that make them, drawing that makes bytes of them."""

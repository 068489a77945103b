"""ROOT trees that uproot cannot write: split objects and vectors, unsplit vectors of structs."""

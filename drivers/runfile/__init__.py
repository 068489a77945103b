"""The HDF5 file that a run leaves: written part by part, read back, told of and verified."""

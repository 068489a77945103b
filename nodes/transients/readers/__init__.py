"""Recordings from what holds them: archives, folders, older HDF5 files."""

"""Numba kernels of the cosmics graph."""

"""Numba kernels of the germanium graph, one module a group."""

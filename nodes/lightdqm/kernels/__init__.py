"""Numba kernels of the light graph, one module a group."""

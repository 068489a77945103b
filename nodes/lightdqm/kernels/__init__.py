"""Numba kernels of the light graph, one module a group."""

from ...compiled_code import keep_compiled_code

keep_compiled_code()

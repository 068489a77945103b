"""Numba kernels of the germanium graph, one module a group."""

from ...compiled_code import keep_compiled_code

keep_compiled_code()

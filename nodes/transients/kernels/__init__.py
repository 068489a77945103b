"""Numba kernels of the transients graph, one module a stage."""

from ...compiled_code import keep_compiled_code

keep_compiled_code()

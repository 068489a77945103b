"""Numba kernels of the cosmics graph."""

from ...compiled_code import keep_compiled_code

keep_compiled_code()

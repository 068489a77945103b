"""Array kernels of the imaging pipeline, compiled by numba and kept on disk."""

from ...compiled_code import keep_compiled_code

keep_compiled_code()

"""Array kernels of the simulations."""

from ...compiled_code import keep_compiled_code

keep_compiled_code()

"""Array kernels of the simulations."""

"""Intervals, widths and correlations, once for every pipeline. Plain functions, no nodes."""

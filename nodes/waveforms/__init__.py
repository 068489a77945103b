"""Filters of sampled waveforms, samples along the last axis. Plain functions, no nodes."""

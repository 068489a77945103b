"""Nodes of the germanium graph: waveforms or their parameters in, calibrated energies out."""

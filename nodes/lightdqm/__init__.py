"""Nodes of the light data-quality graph: waveforms in, fractions, spectra, masks, verdict out."""

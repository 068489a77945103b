"""Nodes of the germanium graph: LH5 tiers of HPGe detectors and their calibration."""

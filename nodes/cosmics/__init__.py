"""The graph of cosmic-ray background: cuts, veto efficiency, dead time, rates."""

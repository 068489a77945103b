"""The germanium pipeline as the core sees it, and what only it has: LH5 tiers, parameter files."""

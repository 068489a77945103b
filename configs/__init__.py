"""Commented settings, one TOML file per use, and small tables of figures with their sources."""

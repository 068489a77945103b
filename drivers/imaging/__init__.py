"""The imaging pipeline from settings to files."""

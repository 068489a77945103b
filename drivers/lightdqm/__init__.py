"""The light data-quality pipeline from settings to files, and over files."""

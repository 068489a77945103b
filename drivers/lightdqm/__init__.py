"""Runs of the light data-quality pipeline: files chosen, inputs cut, outputs written."""

"""Frames, images and settings of the imaging pipeline."""

"""Seeded generators of detector data: a graph of its own, imported by no pipeline."""

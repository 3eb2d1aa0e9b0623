"""Overlap of moments and their average precision; see the family `moments`."""

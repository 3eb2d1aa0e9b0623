"""Clips ranked by how near their embeddings lie, and what a random order would give."""

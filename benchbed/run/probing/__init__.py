"""Probes: heads that a run trains on frozen embeddings of the training split, with all that it tried."""

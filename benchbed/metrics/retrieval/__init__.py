"""Ranks in a gallery, and the figures that follow from them; see the family `retrieval`."""

"""Scorers of captions that are programs or models of somebody else, given by path: none is shipped or fetched.

Each is a file here with `NAME` and `TITLE`, `WHAT` it is a path of, `fault(path)`, which says cheaply why a path cannot
be it, and `scores`. Weights load as data.
"""

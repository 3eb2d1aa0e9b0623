"""Where an installed wheel keeps the suites, adapters and reference rows that lie at the top of a checkout.

It is a module so that pytest, which looks for modules of plugins below a package that it cannot find, finds this one
and does not take an adapter such as `ast.py` for a module of that name.
"""

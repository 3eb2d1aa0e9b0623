"""Suites: declarative YAML, read with located errors, turned into a list of independent cells."""

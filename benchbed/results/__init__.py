"""The record of one run: its schema, reading, writing and upgrading."""

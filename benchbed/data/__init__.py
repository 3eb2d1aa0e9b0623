"""Datasets: one module per official layout, splits and groups, checks, and the synthetic generator."""

from benchbed.registry import Registry

#: Dataset layouts, by file name. A layout module has `read(root, **options) -> Dataset`.
LAYOUTS = Registry("layout", "benchbed.data.layouts")

"""One module per dataset layout; the file name is the name in suites. Each has `read(root, **options) -> Dataset`."""

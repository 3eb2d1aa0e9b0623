"""One module per corruption; the file name is the name in suites. Each has `CORRUPTION`."""

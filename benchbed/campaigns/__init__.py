"""Many models on many suites as one file and one command: what is asked, and what of it is done already."""

"""One module per metric family; each has `family(labels, **options) -> Family`."""

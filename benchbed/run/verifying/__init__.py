"""How a run's figures are asked of the packages that the field takes them from, one module per package."""

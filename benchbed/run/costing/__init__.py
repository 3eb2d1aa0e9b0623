"""Parameters, operations, exits and cuts of the model of a run, for its record."""

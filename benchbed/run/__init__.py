"""Running a suite: cells become content-addressed units of work, units become predictions, predictions become a record."""

"""Running a suite: cells become units of work, units become predictions, predictions become a record."""

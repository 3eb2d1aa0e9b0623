"""Sound events in time: recordings in whole microseconds, matching, segments and sweeps over all thresholds."""

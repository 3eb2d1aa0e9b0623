"""Intervals and tests on sufficient statistics, resampled by recording group."""

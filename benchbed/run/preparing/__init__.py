"""From a suite, data and a model to a job that is ready to start."""

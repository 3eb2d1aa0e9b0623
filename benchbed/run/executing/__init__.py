"""Who computes the units of a job: this process or others."""

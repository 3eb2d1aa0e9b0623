"""What is to be done, as data: the job, its units, what it was told. Nothing here computes."""

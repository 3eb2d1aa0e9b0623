"""Whether a run may pass: rules in YAML, three answers to each, and an exit code a pipeline can act on."""

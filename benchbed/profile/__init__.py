"""What a model costs: parameters and memory, multiply-accumulates, latency, energy."""

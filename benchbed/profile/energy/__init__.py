"""Energy of a model: measured by sensors, else estimated from CPU time and a given power, else not stated.

The three are never mixed: the method stands on every record, and an estimate is never ranked beside a measurement.
"""

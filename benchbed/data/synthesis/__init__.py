"""Procedural sound: what the embedded synthetic datasets are made of.

`sources` holds banks of short sounds, `scenes` mixes them into recordings of acoustic scenes, `devices` plays a
recording through a recording device, `events` makes isolated sound events. Everything is float64 until the last
rounding to 16 bits, so that the last-bit differences between processors do not reach the files.
"""

#: Samples per second of everything synthetic; the rate of the shipped models, so that no run pays for resampling.
RATE = 32000

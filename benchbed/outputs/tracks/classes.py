"""Classes of each data set of DCASE Task 3, in the order of the numbers in its files."""

from __future__ import annotations

#: TAU Spatial Sound Events 2019.
TAU_2019 = (
    "knock",
    "drawer",
    "clearthroat",
    "phone",
    "keysDrop",
    "speech",
    "keyboard",
    "pageturn",
    "cough",
    "doorslam",
    "laughter",
)

#: TAU-NIGENS Spatial Sound Events 2020.
NIGENS_2020 = (
    "alarm",
    "baby",
    "crash",
    "dog",
    "engine",
    "female_scream",
    "female_speech",
    "fire",
    "footsteps",
    "knock",
    "male_scream",
    "male_speech",
    "phone",
    "piano",
)

#: TAU-NIGENS Spatial Sound Events 2021, where engine and fire are interferers.
NIGENS_2021 = tuple(name for name in NIGENS_2020 if name not in ("engine", "fire"))

#: STARSS22 and STARSS23, and the stereo set of 2025 cut from the latter.
STARSS = (
    "female speech",
    "male speech",
    "clapping",
    "telephone",
    "laughter",
    "domestic sounds",
    "footsteps",
    "door",
    "music",
    "musical instrument",
    "water tap",
    "bell",
    "knock",
)

#: Year of the rules → classes of its data set.
CLASSES = {2020: NIGENS_2020, 2021: NIGENS_2021, 2022: STARSS, 2023: STARSS, 2024: STARSS, 2025: STARSS}

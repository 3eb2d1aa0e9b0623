"""What a record says about audio that is not what models are promised."""

from __future__ import annotations

import pandas as pd

from benchbed.run.scoring.heard import levels


def test_clips_far_beyond_full_scale_are_told_once_however_many_conditions_they_are_in():
    table = pd.DataFrame({"clip_id": ["a", "b", "a", "b"], "peak": [0.9, 12000.0, 0.9, 12000.0]})
    (told,) = levels(table)
    assert told.status == "warn" and told.message.startswith("1 of 2 clips peak at up to 12,000 (82 dB")


def test_ordinary_overshoot_is_not_told():
    assert levels(pd.DataFrame({"clip_id": ["a"], "peak": [1.9]})) == []
    assert levels(pd.DataFrame({"clip_id": ["a"]})) == []

"""A published tagger on real recordings: weak to a gradient, not to noise of the same energy."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import soundfile
import soxr
import torch
from made_attacks import problem

from benchbed.adapter.load import load_adapter, start
from benchbed.attack import resolve
from benchbed.attack.audibility import dissimilarity
from benchbed.attack.twin import exclusive
from benchbed.outputs.align import alignment_of
from benchbed.run.attacking.victim import untouched, victim_of

pytestmark = pytest.mark.realdata


def test_gpvad_falls_to_what_is_thirty_decibels_below_the_clip(realdata, repository):
    checkpoint = realdata / "tag_gpvad" / "pretrained_models" / "teacher1" / "model.pth"
    options = {"checkpoint": str(checkpoint), "label_map": str(repository / "suites/maps/esc10_audioset.yaml")}
    adapter = start(load_adapter(str(repository / "adapters" / "gpvad.py"), options))
    rows = list(csv.DictReader((realdata / "esc10" / "esc10_subset.csv").open()))
    labels = sorted({row["category"] for row in rows})
    chosen = [next(row for row in rows if row["category"] == name) for name in ("helicopter", "rain", "crying_baby")]
    waves = []
    for row in chosen:
        wave, rate = soundfile.read(realdata / "esc10" / "audio" / row["filename"], dtype="float32")
        waves.append(soxr.resample(wave, rate, 22050, quality="HQ")[None, :44100])
    clean = torch.from_numpy(np.stack(waves))
    victim = victim_of(adapter, lambda forward: exclusive(forward, alignment_of(adapter.card, labels)))
    with untouched(adapter) as moved:
        target = victim.scores(clean).argmax(1)  # the model's own answer: what it must lose
        asked = problem(None, clean, target, "l2", 30.0, victim=victim)
        noise = resolve("white_noise", {"draws": 1}).run(asked)
        found = resolve("apgd", {"loss": "margin", "steps": 10}).run(asked)
        assert not moved()
    assert int(found.broken.sum()) >= 2 > int(noise.broken.sum())
    heard = [
        dissimilarity(clip.astype(float), (point - clip).astype(float), 22050)
        for clip, point in zip(clean.numpy(), found.points.numpy())
    ]
    assert all(each["snr_a"] > 20 and each["snr_segmental"] > 25 for each in heard)
    # One SNR is not one audibility: in a clip with pauses the same energy lies far above the mask.
    levels = [each["nmr"] for each in heard]
    assert max(levels) - min(levels) > 10

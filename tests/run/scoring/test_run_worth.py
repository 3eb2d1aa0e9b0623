"""Worth in decibels of the cells of a run, from audio to record and page."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import soundfile

import benchbed as bb
from benchbed.metrics.adversarial import Flags
from benchbed.rng import stream
from benchbed.run.scoring.worth import worth_of_attacks, worth_of_cells
from benchbed.stats.bootstrap import Bootstrap
from benchbed.suite.conditions import AttackCondition
from benchbed.suite.plan import CellPlan

CLIPS = 600


def attacked(condition: int, name: str, budget: float, clips: range, breaks_at: np.ndarray):
    """A cell of an attack with its flags and rows: clips stand at all SNRs above their own."""
    key = f"scene/test/{name}@l2:{budget:g}dB#{condition}"
    plan = CellPlan(key, "scene", "test", "attack", name, None, condition, budget=budget)
    some = np.array(clips)
    robust = budget > breaks_at[some]
    values = {"clean": np.ones(len(some), bool), "robust": robust}
    table = pd.DataFrame({"clip_id": [f"c{i}" for i in some]})
    return plan, Flags(some, values, Bootstrap(CLIPS, draws=100)), table


def test_an_attack_is_looked_up_on_noise_of_the_same_clips_also_of_a_subset():
    """Clips break in noise below 10 dB ± 6, and under an attack 20 dB higher: it is worth its budget less 20 dB."""
    breaks = np.random.default_rng(0).normal(10, 6, CLIPS)
    conditions = [
        AttackCondition(attack="white_noise", budgets=[30, 25, 20, 15, 10, 5, 0, -5], n=CLIPS),
        AttackCondition(attack="fast", budgets=[32, 28], n=400),
        AttackCondition(attack="white_noise", budgets=[30, 10], n=CLIPS, band={"low": 1000}),
    ]
    job = SimpleNamespace(conditions=conditions)
    cells = [attacked(0, "white_noise", budget, range(CLIPS), breaks) for budget in conditions[0].budgets]
    cells += [attacked(1, "fast", budget, range(400), breaks + 20) for budget in conditions[1].budgets]
    # Noise of one band is another axis.
    cells += [attacked(2, "white_noise", budget, range(CLIPS), breaks * 0) for budget in conditions[2].budgets]
    plans, flags = [plan for plan, _, _ in cells], {plan.key: mine for plan, mine, _ in cells}
    tables = {plan.key: table for plan, _, table in cells}
    found = worth_of_attacks(job, plans, flags, tables)
    assert [name.rpartition("/")[2] for name in found] == ["fast@l2:32dB#1", "fast@l2:28dB#1"]
    for figure, level in zip(found.values(), (12.0, 8.0)):
        assert abs(figure.value - level) < 0.5 and figure.n == 400 and figure.info.unit == "dB SNR, whole clip"
    alone = worth_of_attacks(job, plans[8:10], flags, tables)
    assert {figure.value for figure in alone.values()} == {None}
    reason = next(iter(alone.values())).reason
    assert reason.startswith("no curve to look it up on: the suite has no two budgets of {attack: white_noise") and (
        reason.endswith("on these 400 clips")
    )


TONES = {"low": 250, "middle": 1000, "high": 3000}

ADAPTER = '''
import numpy as np
from benchbed.adapter import Adapter, Card

class Loudest(Adapter):
    """The loudest of three bands, but for a level that each clip hides in its first sample."""
    card = Card(name="loudest", family="other", output="scene", labels=("low", "middle", "high"), sample_rate=8000)

    def load(self, device):
        pass

    def predict(self, batch):
        power = np.abs(np.fft.rfft(batch.waveforms[:, 0])) ** 2
        n = power.shape[1]
        edges = [0, n * 500 // 4000, n * 2000 // 4000, n]
        bands = np.stack([power[:, a:b].sum(1) for a, b in zip(edges, edges[1:])], 1)
        return np.log(bands + 1e-9).astype(np.float32)
'''


def test_other_noise_stands_on_the_axis_of_white_noise(tmp_path):
    rows = []
    (tmp_path / "audio").mkdir()
    for i in range(90):
        label = list(TONES)[i % 3]
        random = stream("worth", i)
        time = np.arange(2000) / 8000
        wave = 0.1 * np.sin(2 * np.pi * TONES[label] * time) + 0.1 * random.random() * random.standard_normal(2000)
        soundfile.write(tmp_path / "audio" / f"{i}.wav", wave, 8000)
        rows.append({"path": f"audio/{i}.wav", "label": label, "group": f"g{i}"})
    pd.DataFrame(rows).to_csv(tmp_path / "clips.csv", index=False)
    (tmp_path / "loudest.py").write_text(ADAPTER)
    suite = {
        "name": "worth",
        "version": "1",
        "task": "scene",
        "data": {
            "layout": "folder",
            "name": "worth",
            "splits": ["all"],
            "options": {"csv": "clips.csv", "path": "path", "label": "label", "group": "group"},
        },
        "statistics": {"draws": 200},
        "conditions": [
            "clean",
            {"corruption": "white_noise", "parameters": [10, 5, 0, -5, -10, -15], "draws": 8},
            {"corruption": "white_noise", "parameters": [-2.5], "draws": 8},
            {"corruption": "gain", "parameters": [-6]},
            {"corruption": "high_pass", "parameters": [2000]},
        ],
    }
    run = bb.run(suite, str(tmp_path / "loudest.py"), data={"worth": tmp_path}, out=tmp_path / "runs")
    scores = run.result.scores
    again = scores["worth:scene/all/white_noise@1#2"]
    assert abs(again.value + 2.5) < 1.0 and again.unit == "dB SNR, active level" and again.low < again.high
    assert scores["worth:scene/all/gain@1"].value is None
    assert scores["worth:scene/all/gain@1"].reason.startswith("beyond the curve: it costs no more")
    # So few clips do not say what a perturbation of another kind is worth to a decibel, and the record says so.
    assert scores["worth:scene/all/high_pass@1"].reason.startswith("not certain to 1 dB: between -")
    assert not any(name.startswith("worth:scene/all/white_noise@") and "#" not in name for name in scores)
    assert worth_of_cells(run.result.cells[:1], {}, run.result.primary) == {}
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "on the axis of white noise" in page

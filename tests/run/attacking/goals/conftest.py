"""Clips that a linear tagger tags without a mistake, and what runs an attack on them."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from made_taggers import LABELS, LINEAR, RATE, SAMPLES, weights

from benchbed.rng import stream
from benchbed.run.attacking.checks import attack_checks
from benchbed.run.attacking.goals import settle
from benchbed.run.computing.engine import Engine
from benchbed.run.executing.unit import compute
from benchbed.run.job.job import Job
from benchbed.run.preparing.units import cut
from benchbed.run.scoring.attacks import chance_of
from benchbed.suite.model import Suite
from benchbed.suite.plan import plan_cells


@pytest.fixture
def world(tmp_path: Path):
    """Clips that the linear model tags without a mistake, and what runs an attack on them."""
    (tmp_path / "data").mkdir()

    def table(classes: int, count: int = 12, extra: tuple = ()) -> pd.DataFrame:
        rows = []
        names = LABELS if classes == 3 else tuple(f"k{i:03d}" for i in range(classes))
        weight = weights(classes)
        for i in range(count):
            wave = 0.1 * stream("tag-clip", classes, i).standard_normal(SAMPLES)
            if classes > 3:  # of many classes, two in a clip stand out
                wave = wave + 0.02 * SAMPLES**0.5 * (weight[i] + weight[i + 20])
            soundfile.write(tmp_path / "data" / f"{i:02d}.wav", wave, RATE, subtype="FLOAT")
            heard = soundfile.read(tmp_path / "data" / f"{i:02d}.wav", dtype="float32")[0]
            order = weight @ heard
            there = order > 0 if classes == 3 else np.isin(np.arange(classes), (i, i + 20))
            rows.append((f"{i:02d}.wav", tuple(names[k] for k in np.flatnonzero(there))))
        for name, wave, labels in extra:
            soundfile.write(tmp_path / "data" / name, wave, RATE, subtype="FLOAT")
            rows.append((name, labels))
        return pd.DataFrame(
            {
                "clip_id": [f"toy/{n}" for n, _ in rows],
                "path": [n for n, _ in rows],
                "onset": 0.0,
                "duration": np.nan,
                "label": [labels for _, labels in rows],
                "group": [f"r{i}" for i in range(len(rows))],
            }
        )

    def tagger(before="pass", after="pass", extra="", scores="logits", labels=LABELS, name="tagger") -> Path:
        text = textwrap.dedent(LINEAR)
        given = {"before": before, "after": after, "extra": extra, "scores": scores, "name": name}
        for key, value in {**given, "labels": repr(tuple(labels))}.items():
            text = text.replace("{" + key + "}", value)
        (tmp_path / f"{name}.py").write_text(text)
        return tmp_path / f"{name}.py"

    def run(condition: dict, clips: pd.DataFrame, adapter: Path, task="tags", labels=LABELS, declared=None, **facts):
        suite = Suite(name="s", version="1", task=task, data={"layout": "folder"}, conditions=[condition])
        settled = settle(task, suite.conditions[0], labels, declared or {})
        job = Job(
            recipe=(str(adapter), {}),
            device="cpu",
            dataset="toy",
            root=tmp_path / "data",
            labels=tuple(labels),
            label_map=None,
            clips={"test": clips},
            pools={"test": clips},
            conditions=suite.conditions,
            facts=(settled,),
            task=task,
            **facts,
        )
        cells, engine = plan_cells(suite), Engine(job)
        parts, noted, failures, scores = [], [], [], []
        for unit in cut(job, cells, {"test": 9.0}, {}, {"test": {}}):
            made = compute(engine, unit)
            parts.append(pd.DataFrame(dict(made.columns)))
            noted += made.info["attack"]["facts"]
            failures += made.failures
            scores += list(made.scores)
        found = attack_checks(job.conditions[0], cells[-1:], noted, len(labels), chance_of(job, cells[-1]))
        checks = {check.name.partition(":")[2]: check for check in found}
        return pd.concat(parts, ignore_index=True).assign(answer=scores), checks, failures

    run.table, run.tagger, run.root = table, tagger, tmp_path / "data"
    return run

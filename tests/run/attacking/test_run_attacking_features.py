"""Attacks on features inside a run: closed forms, refusals, and figures that never stand among those of sound."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from benchbed.attack.features import LABEL
from benchbed.attack.threat import Ball
from benchbed.compare.figure import matching
from benchbed.compare.ranking import ranks_of
from benchbed.compare.runs import open_run
from benchbed.compare.sides import Side
from benchbed.compare.table import compare
from benchbed.errors import CannotMeasure, ConfigError
from benchbed.gate.lookup import expand, scores_of
from benchbed.report import board, terms, threats, view
from benchbed.report.page import report_html
from benchbed.report.panels import robustness_curves, severity_heatmaps
from benchbed.results.pareto import trade_offs
from benchbed.results.store import read
from benchbed.rng import stream
from benchbed.run import session
from benchbed.run.attacking.checks import attack_checks
from benchbed.run.attacking.ensembles import ensemble_of, prices
from benchbed.run.attacking.sources import attack_facts
from benchbed.run.computing.engine import Engine
from benchbed.run.executing.unit import compute
from benchbed.run.job.job import Job
from benchbed.run.preparing.units import cut
from benchbed.run.scoring.attacks import chance_of
from benchbed.suite.conditions import AttackCondition
from benchbed.suite.load import load_suite
from benchbed.suite.model import Suite
from benchbed.suite.plan import plan_cells

RATE, BLOCK, BLOCKS = 8000, 10, 40
LABELS = ("a", "b", "c")
#: Adds the same to every feature, so that scores have both signs.
SHIFT = 0.1

ADAPTER = """
import torch
from benchbed.adapter import Card, TorchAdapter
from benchbed.rng import stream

class Split(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(stream("split").standard_normal((3, 40)), dtype=torch.float32))

    def features(self, x):
        return x[:, 0].abs().unflatten(1, (40, 10)).amax(2) - 0.1

    def classify(self, features):
        return features @ self.weight.T

    def forward(self, x):
        scores = self.classify(self.features(x))
        {after}
        return scores

class Adapter(TorchAdapter):
    card = Card(name="split", family="other", output="{output}", labels=("a", "b", "c"), sample_rate=8000)

    def build(self):
        return Split()
    {extra}
"""


def weight() -> np.ndarray:
    """The network behind the front end."""
    return stream("split").standard_normal((3, BLOCKS)).astype(np.float32)


def answer_to(wave: np.ndarray) -> np.ndarray:
    """What the whole model answers to a clip, by hand."""
    return weight() @ (np.abs(wave).reshape(BLOCKS, BLOCK).max(1) - SHIFT)


@pytest.fixture
def world(tmp_path: Path):
    """Clips that the model is right about, and what runs one condition on them."""
    (tmp_path / "data").mkdir()
    rows = []
    for i in range(12):
        wave = (0.06 * stream("feature-clip", i).standard_normal(BLOCK * BLOCKS)).astype(np.float32)
        wave = np.zeros_like(wave) if i == 11 else wave
        soundfile.write(tmp_path / "data" / f"{i:02d}.wav", wave, RATE, subtype="FLOAT")
        rows.append((f"{i:02d}.wav", answer_to(wave)))

    def adapter(output="tags", after="pass", extra="") -> Path:
        text = textwrap.dedent(ADAPTER)
        for key, value in {"output": output, "after": after, "extra": extra}.items():
            text = text.replace("{" + key + "}", value)
        path = tmp_path / f"{output}.py"
        path.write_text(text)
        return path

    def run(*conditions: dict, task="tags", made: Path | None = None, **facts):
        def label(scores):
            return LABELS[scores.argmax()] if task == "scene" else tuple(np.array(LABELS)[scores > 0])

        clips = pd.DataFrame(
            {
                "clip_id": [f"toy/{n}" for n, _ in rows],
                "path": [n for n, _ in rows],
                "onset": 0.0,
                "duration": np.nan,
                "label": [label(scores) for _, scores in rows],
                "group": [f"r{i}" for i in range(len(rows))],
            }
        )
        suite = Suite(name="s", version="1", task=task, data={"layout": "folder"}, conditions=list(conditions))
        settled = tuple(attack_facts(c, (), "suite.yaml:1:1", task=task, labels=LABELS) for c in suite.conditions)
        job = Job(
            recipe=(str(made or adapter(task)), {}),
            device="cpu",
            dataset="toy",
            root=tmp_path / "data",
            labels=LABELS,
            label_map=None,
            clips={"test": clips},
            pools={"test": clips},
            conditions=suite.conditions,
            facts=settled,
            task=task,
            **facts,
        )
        cells, engine = plan_cells(suite), Engine(job)
        parts, noted = [], []
        for unit in cut(job, cells, {"test": 9.0}, {}, {"test": {}}):
            found = compute(engine, unit)
            parts += pd.DataFrame(dict(found.columns)).assign(answer=list(found.scores)).to_dict("records")
            noted += found.info["attack"]["facts"] if unit.condition == len(conditions) - 1 else []
        checks = attack_checks(job.conditions[-1], cells[-1:], noted, 3, chance_of(job, cells[-1]))
        return pd.DataFrame(parts), {c.name.partition(":")[2]: c for c in checks}

    run.adapter, run.clips, run.root = adapter, dict(rows), tmp_path
    return run


def on_features(**given) -> dict:
    return {"attack": "apgd", "space": "features", "n": 12, **given}


@pytest.mark.parametrize("attack", ["pgd", "apgd", "fgsm"])
@pytest.mark.parametrize("threat", ["linf", "l2"])
def test_a_tag_falls_exactly_where_the_closed_form_on_features_says(world, attack, threat):
    """The logit of a class moves by at most ε‖w‖₁, or by RMS·√values·‖w‖₂, and there are features where it does."""
    budgets = [0.003, 0.01, 0.03]
    rows, checks = world(on_features(attack=attack, threat=threat, budgets=budgets, goal="class", target_class="b"))
    w = weight()[1].astype(float)
    reach = np.abs(w).sum() if threat == "linf" else BLOCKS**0.5 * np.linalg.norm(w)
    turned = 0
    for row in rows.itertuples():
        budget = float(row.cell.rpartition(":")[2])
        assert row.robust == (abs(world.clips[row.clip_id.removeprefix("toy/")][1]) > budget * reach), row.cell
        turned += not row.robust
    assert 3 < turned < len(rows) - 3
    assert sorted(set(rows["cell"])) == [f"tags/test/{attack}+class@features-{threat}:{b:g}" for b in budgets]
    assert {name for name, check in checks.items() if check.status == "fail"} == set()


def test_a_scene_falls_where_the_nearest_class_is_in_reach_and_a_silent_clip_is_attacked_too(world):
    budgets = [0.001, 0.003, 0.01]
    rows, checks = world(on_features(attack="fast", threat="linf", budgets=budgets), task="scene")
    w = weight().astype(float)
    for row in rows.itertuples():
        scores, budget = world.clips[row.clip_id.removeprefix("toy/")], float(row.cell.rpartition(":")[2])
        best = int(scores.argmax())
        left = [scores[best] - scores[k] - budget * np.abs(w[best] - w[k]).sum() for k in range(3) if k != best]
        assert row.robust == (min(left) > 0), row
    assert 0 < rows["robust"].sum() < len(rows)
    silent = rows[rows["clip_id"] == "toy/11.wav"]
    assert silent["silent"].all() and silent["skipped"].isna().all() and silent["attacked"].all()
    assert "Split.features 40" in checks["space"].message and LABEL in checks["space"].message


def test_rows_have_the_budget_that_was_used_and_nothing_of_sound(world):
    rows, checks = world(on_features(budgets=[0.05, 0.01]))
    limit = rows["cell"].str.rpartition(":")[2].astype(float)
    assert (rows["achieved"].fillna(0) <= limit * (1 + 1e-4)).all()
    assert rows["achieved"].max() == pytest.approx(0.05, rel=1e-4)
    assert rows["snr"].isna().all() and rows["linf"].isna().all()
    assert not {"nmr", "audible", "snr_a", "audio_attacked", "shifted_correct"} & set(rows)
    assert "features have no box" in checks["budget"].message and "dB" not in checks["budget"].message
    assert "finished features" in checks["agreement"].message


@pytest.mark.parametrize("threat", ["linf", "l2"])
def test_a_perturbation_that_outgrows_its_budget_is_found_out(world, monkeypatch, threat):
    grown = on_features(attack="fgsm", threat=threat, budgets=[0.01])
    assert world(grown)[1]["budget"].status == "pass"
    monkeypatch.setattr(Ball, "project", lambda self, points: self.clean + 1.01 * (points - self.clean))
    monkeypatch.setattr(Ball, "into", Ball.project)
    assert world(grown)[1]["budget"].status == "fail"


@pytest.mark.parametrize("batch_size", [1, 5])
def test_flags_do_not_depend_on_the_batch(world, batch_size):
    condition = on_features(attack="pgd", threat="linf", budgets=[0.005, 0.01], steps=10)
    whole, other = (world(condition, batch_size=size)[0] for size in (16, batch_size))
    assert (
        whole.set_index(["clip_id", "cell"])["robust"]
        .sort_index()
        .equals(other.set_index(["clip_id", "cell"])["robust"].sort_index())
    )


def test_defect_3_an_attack_on_sound_is_the_same_bit_for_bit_beside_one_on_features(world):
    """Appendix B.3, 3: budgets of each model's own features stood beside those of waveforms. One nominal budget in both
    spaces gives cells of their own, and what is attacked in one leaves the other as it is."""
    sound = {"attack": "fgsm", "threat": "linf", "budgets": [0.004], "n": 12}
    alone, _ = world(sound)
    rows, _ = world(on_features(attack="fgsm", threat="linf", budgets=[0.004]), sound)
    assert set(rows["cell"]) == {"tags/test/fgsm@features-linf:0.004", "tags/test/fgsm@linf:0.004"}
    beside = rows[rows["cell"] == "tags/test/fgsm@linf:0.004"].reset_index(drop=True)
    for name in alone:
        # A column that one of the two attacks lacks is empty there by another word.
        here, there = ([None if repr(value) == "nan" else value for value in each[name]] for each in (alone, beside))
        assert repr(here) == repr(there), name
    assert not np.allclose(rows["margin"][:12], rows["margin"][12:])


def test_what_a_suite_does_not_say_changes_no_hash(tmp_path):
    text = (
        'name: h\nversion: "1"\ntask: scene\ndata: {layout: folder}\nconditions: [clean, {attack: fast, threat: '
        "linf}, {attack: pgd, budgets: [30], keep: 1, audibility: {}}]\n"
    )
    path = tmp_path / "suite.yaml"
    path.write_text(text)
    # The hash of this suite before there was a space to declare.
    assert load_suite(path).hash == "8405182a3a74089ce8ea3c5b35619d3c"
    path.write_text(text.replace("threat: linf", "threat: linf, space: waveform"))
    assert load_suite(path).hash == "8405182a3a74089ce8ea3c5b35619d3c"
    path.write_text(text.replace("threat: linf", "threat: linf, space: features"))
    assert load_suite(path).hash != "8405182a3a74089ce8ea3c5b35619d3c"


@pytest.mark.parametrize("threat", ["l2", "linf"])
def test_budgets_on_features_rise_and_are_no_decibels(threat):
    condition = AttackCondition(attack="fast", threat=threat, space="features")
    assert condition.budgets == [0.01, 0.03, 0.1, 0.3]
    assert AttackCondition(attack="fast", threat=threat, space="features", budgets=[3, 1]).budgets == [1.0, 3.0]
    suite = Suite(name="s", version="1", task="scene", data={"layout": "folder"}, conditions=[condition])
    assert plan_cells(suite)[0].key == f"scene/test/fast@features-{threat}:0.01"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("audibility: {}", "`audibility`"),
        ("sources: [cnn]", "`sources`"),
        ("keep: 2", "`keep`"),
        ("budgets: [-10]", "not in dB"),
        ("budgets: [0]", "above 0"),
        ("budgets: [2000]", "at most 1000"),
    ],
)
def test_what_means_nothing_on_features_is_refused_with_the_line_of_the_suite(tmp_path, more, said):
    path = tmp_path / "suite.yaml"
    path.write_text(
        "name: s\nversion: '1'\ntask: scene\ndata: {layout: folder}\nconditions:\n  - clean\n"
        f"  - attack: fast\n    space: features\n    {more}\n"
    )
    with pytest.raises(ConfigError, match=said) as error:
        load_suite(path)
    assert re.search(r"suite\.yaml:[789]:\d", str(error.value))


@pytest.mark.parametrize("attack", ["square", "transfer", "universal", "music", "pink_noise", "torchattacks:PGD"])
def test_attacks_that_need_a_waveform_are_refused_before_anything_runs(attack):
    with pytest.raises(ConfigError, match="made for waveforms") as error:
        attack_facts(AttackCondition(attack=attack, space="features"), [("cnn", {})], "suite.yaml:7:5")
    assert "suite.yaml:7:5" in str(error.value)


def test_frames_are_refused_with_the_reason():
    with pytest.raises(ConfigError, match="frames") as error:
        attack_facts(AttackCondition(attack="fast", space="features"), (), "s.yaml:3:1", task="frames", labels=LABELS)
    assert "s.yaml:3:1" in str(error.value) and "space: waveform" in str(error.value)
    with pytest.raises(ConfigError, match="frames"):
        prices([AttackCondition(attack="fast", space="features")], {"test": 3}, 3, "frames")


def test_the_plan_says_what_is_left_out_and_prices_one_noise():
    made = prices(
        [
            AttackCondition(attack="fgsm", space="features", budgets=[0.1, 0.2], n=5),
            AttackCondition(attack="standard", space="features", n=5),
        ],
        {"test": 100},
        10,
    )
    # Three draws of white noise, and two passes of which one goes back; pink noise is a notion of sound.
    assert made[0]["forwards"] == 5 * 2 * (3 + 2) and made[0]["backwards"] == 5 * 2
    assert made[0]["space"].endswith(LABEL) and "skipped" not in made[0]
    assert sorted(made[1]["skipped"]) == ["square", "transfer"] and "waveforms" in made[1]["skipped"]["square"]
    chosen = ensemble_of(AttackCondition(attack="standard", space="features"))
    assert [attack.name for attack in chosen.attacks] == ["apgd", "apgd", "apgd_t"]
    assert chosen.floor == ("white_noise",)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"after": "scores = scores + 50 * x[:, 0, :3]"}, "hears more than the features"),
        ({"after": "scores = scores + torch.randn_like(scores)"}, "another answer every time"),
        (
            {"extra": "def predict(self, batch):\n        return 1 - super().predict(batch)"},
            "`predict` answers the waveform otherwise",
        ),
    ],
)
def test_models_whose_features_are_not_all_they_answer_by_are_refused_with_a_cure(world, given, said):
    with pytest.raises(CannotMeasure, match=said) as error:
        world(on_features(budgets=[0.01]), made=world.adapter(**given))
    assert "split" in str(error.value) and "features-l2:0.01" in str(error.value) and "LogMel" in str(error.value)


SUITE = """
name: both
version: "1"
extends: [dcase_task1]
profile: false
statistics: {draws: 50}
conditions:
  - clean
  - {attack: standard, space: features, threat: linf, budgets: [0.0003, 0.3], n: 3, steps: 8}
  - {attack: white_noise, space: features, budgets: [0.01, 0.3], n: 3, options: {draws: 1}}
  - {attack: fast, threat: linf, budgets: [0.0003, 0.3], n: 3, steps: 8}
  - {attack: white_noise, budgets: [20, 0], n: 3, options: {draws: 1}}
"""


def prepared(folder: Path, spec: str, text: str = SUITE):
    path = folder / "suite.yaml"
    path.write_text(text)
    given = session.Settings(out=folder / "runs", limit=6, quiet=True)
    return session.prepare(load_suite(path), spec, {}, given), given


def test_a_model_without_a_front_end_is_refused_before_anything_is_computed(tmp_path, adapter_file, toy_table):
    text = SUITE.replace("extends: [dcase_task1]", "task: scene\ndata: {layout: folder, name: toy, splits: [all]}")
    path = tmp_path / "suite.yaml"
    path.write_text(text)
    for name, row in toy_table.set_index("path").iterrows():
        (tmp_path / "toy" / row["label"]).mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).rename(tmp_path / "toy" / row["label"] / name)
    given = session.Settings(out=tmp_path / "runs", data={"toy": tmp_path / "toy"}, quiet=True)
    with pytest.raises(ConfigError, match="no front end that stands apart") as error:
        session.prepare(load_suite(path), str(adapter_file()), {}, given)
    assert "toy: " in str(error.value) and "LogMel" in str(error.value)
    assert re.search(r"suite\.yaml:\d+:\d+", str(error.value))


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Records of the shipped CNN and PaSST, attacked on features and on sound on a few synthetic clips."""
    found = []
    for spec in ("cnn", "passt"):
        ready, given = prepared(tmp_path_factory.mktemp("both"), spec)
        path = session.run(ready, given, {}).path
        found.append((path, read(path)))
    return found


def test_a_record_says_in_every_place_that_features_are_no_sound(both):
    for _, result in both:
        cells = {cell.key.split("/", 2)[2]: cell for cell in result.cells}
        attacked = cells["standard@features-linf:0.3"]
        facts = attacked.condition.facts
        assert attacked.condition.unit == "Linf in feature units" and facts["space"].endswith(LABEL)
        assert facts["attacks"][0].startswith("apgd ") and sorted(facts["skipped"]) == ["square", "transfer"]
        sound = cells["fast@linf:0.3"].condition
        assert sound.unit == "Linf" and "waveform" in sound.facts["space"]
        for name, cell in cells.items():
            features = "@features-" in name
            assert not (cell.ranked and features)
            assert all((LABEL in (value.note or "")) == features for value in cell.metrics.values())
        assert attacked.metrics["robust_accuracy"].value < 0.5 <= attacked.metrics["clean_accuracy"].value
        assert cells["standard@features-linf:0.0003"].metrics["robust_accuracy"].value > 0.5
        checks = {c.name: c for c in result.checks if c.cell == attacked.key}
        assert "LogMel.forward" in checks["attack:space"].message
        assert checks["attack:cross_check"].status == checks["attack:black_box"].status == "skipped"
        assert [c for c in checks.values() if c.status == "fail"] == []


def test_features_have_no_gap_no_smallest_snr_and_a_scope_of_their_own(both):
    for _, result in both:
        mine = {name: value for name, value in result.scores.items() if "@features-" in name}
        assert mine and all(name.startswith("unrealizable:") and LABEL in value.note for name, value in mine.items())
        assert {name.partition(":")[2].partition("/")[0] for name in mine} == {
            "robust_accuracy",
            "noise_accuracy",
            "attack_success_rate",
        }
        assert not any(name.startswith("unrealizable:") for name in view.figures(result))
        # White noise on features is no floor for a gap of attacks on sound, nor the other way round.
        assert not any("gap/" in name for name in result.scores)
        assert "adversarial:snr50/white_noise@l2" in result.scores


def test_pages_label_features_and_never_draw_them_with_sound(both):
    for _, result in both:
        curves = robustness_curves(result)
        titles = [title for title, _ in curves]
        assert sum(terms.NO_SOUND in title for title in titles) == 2
        assert sum("under attack, " in title for title in titles) == 2
        for chart in [str(chart) for chart in severity_heatmaps(result)]:
            assert ("feature units" in chart) == (LABEL in chart)
        tables = {table.family: [row.label for row in table.rows] for table in view.robustness(result)}
        for family, rows in tables.items():
            assert all(("feature units" in row) == (terms.NO_SOUND in family) for row in rows if "budget" in family)
        assert view.focus(result)[0].condition.kind == "clean"
        page = report_html(result)
        assert f"not ranked: {terms.NO_SOUND}" in page
        rows = re.findall(r'<tr id="cell-[^>]*>.*?</tr>', page, re.DOTALL)
        for row in rows:
            assert (LABEL in row) == ("feature units" in row) == ("not ranked: on features" in row)
            assert not (LABEL in row and ("checks failed" in row or "<svg" in row))


def test_no_rank_front_or_transfer_table_knows_of_features(both):
    ranks = ranks_of(both)
    pages = board.arrange(both, ranks)
    assert [len(page.boards) for page in pages] == [1]
    (held,) = pages[0].boards
    # A board of attacks ranks by what is left under one, of those that sounds can be made of.
    assert held.primary == "adversarial:robust_accuracy/fast@linf:0.0003" and not any(
        "unrealizable" in name for name in held.columns
    )
    assert threats.transfer(held) == {}
    name = "unrealizable:robust_accuracy/standard@features-linf:0.3"
    assert name in both[0][1].scores
    with pytest.raises(ConfigError, match=LABEL):
        trade_offs([result for _, result in both], name)
    only = both[0][1].model_copy(
        update={"cells": [cell for cell in both[0][1].cells if "@features-" in cell.key], "scores": {}}
    )
    assert view.primary_value(only) is None and LABEL in report_html(only)


def test_a_comparison_or_a_gate_meets_features_only_where_they_are_asked_for_by_name(both):
    first, second = (open_run(path) for path, _ in both)
    assert not [c for c in matching(first.sums, "*") if "features" in c]
    assert matching(first.sums, "standard@features-*") == [f"standard@features-linf:{b}" for b in ("0.0003", "0.3")]
    rows = compare([Side("cnn", (first,)), Side("passt", (second,))]).pairings[0].rows
    assert rows and not any("features" in row.contrast.figure.condition for row in rows)
    results = [result for _, result in both]
    assert {f.condition for f in expand(results, "*@linf*", None, None)} == {"fast@linf:0.0003", "fast@linf:0.3"}
    assert not any("features" in f.condition for f in expand(results, "*", None, None))
    assert all("features" in f.condition for f in expand(results, "*@features-*", None, None))
    assert not any("features" in name for name in scores_of(results, "*:robust_accuracy/*"))
    assert len(scores_of(results, "unrealizable:robust_accuracy/*")) == 4


def test_the_part_of_suites_is_a_suite_of_scenes_and_is_joined_by_none(tmp_path):
    root = Path(__file__).parents[3] / "suites"
    path = tmp_path / "suite.yaml"
    path.write_text("name: f\nversion: '1'\nextends: [dcase_task1, conditions/attacks_features]\n")
    keys = [cell.key for cell in plan_cells(load_suite(path).suite)]
    assert len(keys) == 1 + 6 + 4 + 4 and all("@features-" in key for key in keys[1:])
    assert not [suite for suite in root.glob("*.yaml") if "attacks_features" in suite.read_text()]
    for suite in root.glob("*.yaml"):
        assert "@features-" not in "".join(cell.key for cell in plan_cells(load_suite(suite).suite)), suite.name

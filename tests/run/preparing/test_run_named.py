"""Planted mistakes: `validate` and `plan` know everything that a suite names, and say where it stands."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from benchbed.data import LAYOUTS, synthetic
from benchbed.errors import BenchbedError, ConfigError
from benchbed.perturb import CORRUPTIONS
from benchbed.perturb.possible import LIMITS, refuse_impossible
from benchbed.run.preparing.named import check_names
from benchbed.run.preparing.price import estimate
from benchbed.suite.load import load_suite, shipped_folder

SCENE = """\
name: toy
version: "1"
task: scene
data:
  layout: esc50
  splits: [fold1]
conditions:
  - clean
"""
FRAMES = """\
name: toy
version: "1"
task: frames
data:
  layout: desed
  splits: [validation]
conditions:
  - clean
metrics:
  family: sed_event
"""
TAGS = """\
name: toy
version: "1"
task: tags
data:
  layout: fsd50k
metrics:
  family: tagging
conditions:
  - clean
"""


def after(suite: str, *lines: str) -> str:
    return suite + "".join(f"{line}\n" for line in lines)


#: Mistake → suite, the text that the place points at, and words of the message.
MISTAKES = {
    "layout": (SCENE.replace("esc50", "esc5o"), "layout:", ["unknown layout 'esc5o'", "'esc50'"]),
    "split": (SCENE.replace("fold1", "fold6"), "fold6", ["no split 'fold6'"]),
    "train split": (SCENE.replace("data:\n", "data:\n  train_split: not_fold9\n"), "train_split:", ["not_fold9"]),
    "group": (SCENE.replace("data:\n", "data:\n  group: src_fiel\n"), "group:", ["'src_file'"]),
    "layout option": (
        SCENE.replace("data:\n", "data:\n  options:\n    subest: esc10\n"),
        "subest:",
        ["no option 'subest'", "'subset'"],
    ),
    "layout option's word": (
        SCENE.replace("data:\n", "data:\n  options:\n    subset: esc11\n"),
        "subset:",
        ["not one of esc50, esc10"],
    ),
    "layout option's type": (
        SCENE.replace("data:\n", "data:\n  options:\n    csv: 3\n"),
        "csv:",
        ["csv=3", "string"],
    ),
    "corruption": (after(SCENE, "  - corruption: whitenoise"), "corruption:", ["unknown corruption", "'white_noise'"]),
    "corruption option": (
        after(SCENE, "  - corruption: white_noise", "    options: {levl: clip}"),
        "levl:",
        ["no option 'levl'", "'level'"],
    ),
    "severity beyond": (
        after(SCENE, "  - corruption: white_noise", "    severities: [1, 6]"),
        "severities:",
        ["5 severities, 6 is asked"],
    ),
    "severity of another form": (
        after(SCENE, "  - corruption: reverb", "    parameters: [0.5]"),
        "parameters:",
        ["no parameter of this corruption"],
    ),
    "Hz for kHz": (
        after(SCENE, "  - corruption: low_pass", "    parameters: [8000, 4000]"),
        "parameters:",
        ["8000 is not possible in kHz"],
    ),
    "percent above all": (
        after(SCENE, "  - corruption: dropout", "    parameters: [150]"),
        "parameters:",
        ["150 is not possible in % of the clip"],
    ),
    "SNR of a thousand": (
        after(SCENE, "  - corruption: white_noise", "    parameters: [1000]"),
        "parameters:",
        ["1000 is not possible in dB SNR"],
    ),
    "a share as percent": (
        after(SCENE, "  - corruption: dc_offset", "    parameters: [5]"),
        "parameters:",
        ["5 is not possible in share of full scale"],
    ),
    "attack": (after(SCENE, "  - attack: apgdd"), "attack:", ["unknown attack 'apgdd'", "'apgd'"]),
    "attack option": (
        after(SCENE, "  - attack: apgd", "    options: {stpes: 5}"),
        "stpes:",
        ["no option 'stpes'", "'steps'"],
    ),
    "ensemble with options": (
        after(SCENE, "  - attack: fast", "    options: {steps: 5}"),
        "options:",
        ["takes no options"],
    ),
    "loss": (after(SCENE, "  - attack: apgd", "    options: {loss: cee}"), "options:", ["cee"]),
    "goal": (after(TAGS, "  - attack: apgd", "    goal: hid"), "goal:", ["no goal 'hid'", "'hide'"]),
    "goal of another task": (after(SCENE, "  - attack: apgd", "    goal: hide"), "goal:", ["no goal 'hide'"]),
    "budget in dB of the wrong kind": (
        after(SCENE, "  - attack: apgd", "    threat: linf", "    budgets: [30]"),
        "- attack:",
        ["at most 2, in waveform units"],
    ),
    "budget beyond": (
        after(SCENE, "  - attack: apgd", "    budgets: [300]"),
        "- attack:",
        ["SNR in dB from -60 to 120"],
    ),
    "rule of success": (
        after(TAGS, "  - attack: apgd", "    success: {rule: clip_app}"),
        "success:",
        ["clip_app", "'clip_ap'"],
    ),
    "source": (after(SCENE, "  - attack: transfer", "    sources: [cnnn]"), "cnnn", ["no adapter 'cnnn'", "'cnn'"]),
    "metric family": (after(SCENE, "metrics:", "  family: clasification"), "family:", ["'classification'"]),
    "metric family of another task": (after(SCENE, "metrics:", "  family: tagging"), "family:", ["is about tags"]),
    "metric": (after(SCENE, "metrics:", "  primary: acuracy"), "primary:", ["unknown metric 'acuracy'", "'accuracy'"]),
    "metric option": (
        after(SCENE, "metrics:", "  options:", "    topk: [3]"),
        "topk:",
        ["no option 'topk'", "'top_k'"],
    ),
    "metric option's word": (
        after(FRAMES, "  options:", "    matching: best"),
        "matching:",
        ["matching='best'", "not one of"],
    ),
    "collar in milliseconds": (
        after(FRAMES, "  options:", "    onset_collar: 2000"),
        "onset_collar:",
        ["not in milliseconds"],
    ),
    "further family": (
        after(FRAMES, "  further:", "    - {family: sed_segmnt, name: segment}"),
        "family: sed_segmnt",
        ["'sed_segment'"],
    ),
    "further family twice": (
        after(
            FRAMES,
            "  further:",
            "    - {family: sed_segment, name: segment}",
            "    - {family: sed_segment, name: segment}",
        ),
        "name: segment",
        ["two further families"],
    ),
    "threshold in percent": (after(FRAMES, "post_processing:", "  threshold: 50"), "threshold:", ["from 0 to 1"]),
    "filter in milliseconds": (
        after(FRAMES, "post_processing:", "  median_seconds: 700"),
        "median_seconds:",
        ["not in milliseconds"],
    ),
    "option of tuning": (
        after(
            FRAMES,
            "post_processing:",
            "  tune:",
            "    split: synthetic_validation",
            "    metric: event_f1",
            "    options: {onset_colar: 0.2}",
        ),
        "onset_colar:",
        ["'onset_collar'"],
    ),
    "frozen thresholds": (after(FRAMES, "post_processing:", "  frozen: no.json"), "frozen:", ["no file no.json"]),
    "slice": (after(SCENE, "slices:", "  - column: devices"), "column:", ["no column 'devices'"]),
    "slice twice": (after(SCENE, "slices:", "  - column: take", "  - column: take"), "column: take", ["twice"]),
    "seen without training": (
        after(SCENE, "slices:", "  - column: take", "    seen_unseen: true"),
        "seen_unseen:",
        ["needs `data.train_split`"],
    ),
    "matched content": (
        after(SCENE, "slices:", "  - column: take", "    matched: {reference: A, content: [cutt]}"),
        "cutt",
        ["no column 'cutt'"],
    ),
    "side information": (after(SCENE, "audio:", "  side_information: [device]"), "device", ["no column 'device'"]),
    "rate in kHz": (after(SCENE, "audio:", "  sample_rate: 44"), "sample_rate:", ["audio.sample_rate"]),
    "window in ms": (after(FRAMES, "audio:", "  windows: {seconds: 10000}"), "seconds:", ["audio.windows.seconds"]),
    "challenge rule": (after(SCENE, "compliance:", "  rule: dcase2042"), "rule:", ["unknown challenge rule"]),
    "reference of latency": (
        after(SCENE, "profile:", "  latency: {reference: cnnn}"),
        "reference:",
        ["no adapter 'cnnn'"],
    ),
    "reference of mCE": (after(SCENE, "metrics:", "  mce_reference: no.json"), "mce_reference:", ["no file no.json"]),
}


def fault(path: Path) -> BenchbedError:
    with pytest.raises(ConfigError) as caught:
        check_names(load_suite(str(path)), without_data=True)
    return caught.value


def test_there_are_more_mistakes_than_two_dozen():
    assert len(MISTAKES) >= 24


@pytest.mark.parametrize("name", MISTAKES)
def test_a_planted_mistake_is_found_at_its_line(name, tmp_path):
    text, spot, words = MISTAKES[name]
    path = tmp_path / "suite.yaml"
    path.write_text(text)
    error = fault(path)
    assert all(word in str(error) for word in words), error
    lines = [number for number, line in enumerate(text.splitlines(), 1) if spot in line]
    first = str(error.where).splitlines()[0]
    file, line, column = first.rsplit(":", 2)
    assert file == str(path)
    assert int(line) in lines
    assert int(column) >= 1


@pytest.mark.parametrize("suite", [SCENE, FRAMES, TAGS])
def test_the_suites_without_the_mistakes_are_sound(suite, tmp_path):
    path = tmp_path / "suite.yaml"
    path.write_text(suite)
    check_names(load_suite(str(path)), without_data=True)
    check_names(load_suite(str(path)))


def test_all_mistakes_are_said_at_once(tmp_path):
    path = tmp_path / "suite.yaml"
    path.write_text(after(SCENE, "  - corruption: gian", "  - corruption: low_pas", "metrics: {family: clas}"))
    error = fault(path)
    assert "'gian'" in error.what
    assert f"{path}:10:5: unknown corruption 'low_pas'" in str(error.hint)
    assert "unknown metric 'clas'" in str(error.hint)


def test_plan_asks_too(tmp_path):
    path = tmp_path / "suite.yaml"
    path.write_text(after(SCENE, "  - corruption: white_noise", "    severities: [7]"))
    with pytest.raises(ConfigError, match="5 severities, 7 is asked"):
        estimate(load_suite(str(path)), None, {}, data={})


def test_a_typo_in_an_option_of_the_layout_is_no_internal_error(tmp_path):
    path = tmp_path / "suite.yaml"
    path.write_text(MISTAKES["layout option"][0])
    with pytest.raises(ConfigError, match="no option 'subest'"):
        estimate(load_suite(str(path)), None, {}, data={})


def test_every_shipped_suite_is_sound():
    began = time.process_time()
    files = sorted(shipped_folder("suites").glob("*.yaml"))
    for path in files:
        check_names(load_suite(str(path)), without_data=True)
    assert len(files) > 20
    assert time.process_time() - began < 30


@pytest.mark.parametrize("name", sorted(set(synthetic.LAYOUTS) & {"esc50", "tau2022", "fsd50k"}))
def test_what_layouts_say_of_their_sets_is_true_of_the_synthetic_one(name):
    layout = LAYOUTS.get(name)
    dataset = layout.read(synthetic.ensure(name))
    own = {"clip_id", "path", "onset", "duration", "label", "group"}
    assert set(dataset.splits) <= set(layout.SPLITS)
    assert set(dataset.clips.columns) - own <= set(layout.COLUMNS)


@pytest.mark.parametrize("name", CORRUPTIONS.names())
def test_the_severities_of_every_corruption_are_possible(name):
    corruption = CORRUPTIONS.get(name).CORRUPTION
    for parameter in corruption.parameters:
        refuse_impossible(name, parameter, corruption.unit)
    assert isinstance(corruption.parameters[0], str) or corruption.unit in LIMITS

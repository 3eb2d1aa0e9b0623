"""A published tagger on real recordings: the gate sees a quiet microphone, and lets a decibel pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchbed.compare.runs import open_run
from benchbed.gate.judge import judge
from benchbed.gate.load import LoadedRules
from benchbed.gate.rules import Margin, Rule, Rules
from benchbed.gate.verdict import Answer
from benchbed.run import session
from benchbed.suite.load import load_suite

pytestmark = pytest.mark.realdata

SUITE = """
name: esc10_real
version: "1"
task: scene
data:
  layout: folder
  name: esc10_real
  options: {csv: esc10_subset.csv, path: filename, audio: audio/, label: category, group: src_file, fold: fold}
  splits: [fold1, fold2]
metrics: {family: classification, primary: accuracy}
statistics: {draws: 200}
profile: false
"""

ADAPTER = """
import importlib.util
from pathlib import Path

spec = importlib.util.spec_from_file_location("gpvad_file", "REPOSITORY/adapters/gpvad.py")
gpvad = importlib.util.module_from_spec(spec)
spec.loader.exec_module(gpvad)


class Heard(gpvad.Gpvad):
    def __init__(self, checkpoint: Path, label_map: Path, level: float = 0.0):
        super().__init__(checkpoint=checkpoint, label_map=label_map)
        self.level = level

    def forward(self, waveforms):
        return super().forward(waveforms * 10 ** (self.level / 20))
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory, realdata, repository):
    root = tmp_path_factory.mktemp("real")
    (root / "suite.yaml").write_text(SUITE)
    (root / "heard.py").write_text(ADAPTER.replace("REPOSITORY", str(repository)))
    base = {
        "checkpoint": str(realdata / "tag_gpvad" / "pretrained_models" / "teacher1" / "model.pth"),
        "label_map": str(repository / "suites" / "maps" / "esc10_audioset.yaml"),
    }
    made = {}
    for name, options in (("as it is", {}), ("one dB less", {"level": "-1"}), ("quiet", {"level": "-40"})):
        chosen = base | options
        how = session.Settings(
            out=Path(root / "runs"), data={"esc10_real": realdata / "esc10"}, quiet=True, trust_checkpoint=True
        )
        prepared = session.prepare(load_suite(str(root / "suite.yaml")), str(root / "heard.py"), chosen, how)
        made[name] = open_run(session.run(prepared, how, chosen).path)
    return made


def test_what_the_gate_says(runs):
    rule = Rule(name="recognises", metric="accuracy", margin=Margin(absolute="5 pt"))
    loaded = LoadedRules(Rules(rules=[rule]))
    answers = {name: judge(loaded, run, runs["as it is"]).outcomes[0].answer for name, run in runs.items()}
    assert answers == {
        "as it is": Answer.PASSED,
        "one dB less": Answer.PASSED,
        "quiet": Answer.REGRESSED,
    }

"""A published tagger on real recordings: thresholds chosen on some of them, scored on others, weak labels and times."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sklearn.metrics import f1_score

from benchbed.predictions.store import read_units
from benchbed.run import session
from benchbed.suite.load import load_suite

pytestmark = pytest.mark.realdata

SUITE = """
name: real
version: "1"
task: frames
data:
  layout: events
  name: real
  splits: [test]
  options: {weak: weak.tsv, splits: {val: val.txt, test: test.txt}}
profile: false
statistics: {draws: 0}
post_processing: {tune: {split: val, metric: f1}}
metrics:
  family: sed_tagging
  primary: macro_f1
  further:
    - {family: sed_tagging, name: half, options: {threshold: 0.5}}
    - {family: sed_segment, name: segment, options: {resolution: 0.1, threshold: 0.5}}
"""


@pytest.fixture
def real(realdata: Path, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """ESC-10: clips of folds 1 and 2 to choose on, of fold 3 to score; and the speech example with its times."""
    checkpoint = realdata / "tag_gpvad" / "pretrained_models" / "teacher1" / "model.pth"
    if not checkpoint.is_file():
        pytest.skip("no GPVAD weights among the real data")
    monkeypatch.setenv("BENCHBED_LINKS", str(realdata / "esc10" / "audio"))
    root = tmp_path / "data"
    (root / "audio").mkdir(parents=True)
    rows = list(csv.DictReader((realdata / "esc10" / "esc10_subset.csv").open()))
    lists: dict[str, list[str]] = {"val": [], "test": ["example.wav"]}
    weak = ["filename\tevent_labels"]
    for row in rows:
        split = {"1": "val", "2": "val", "3": "test"}.get(row["fold"])
        if split:
            (root / "audio" / row["filename"]).symlink_to(realdata / "esc10" / "audio" / row["filename"])
            lists[split].append(row["filename"])
            weak.append(f"{row['filename']}\t{row['category']}")
    wave, rate = soundfile.read(realdata / "tag_gpvad" / "example" / "example.wav")
    soundfile.write(root / "audio" / "example.wav", wave, rate)
    # As the repository of the model says.
    (root / "events.tsv").write_text(
        "filename\tonset\toffset\tevent_label\nexample.wav\t0.28\t0.94\tspeech\nexample.wav\t1.04\t2.22\tspeech\n"
    )
    (root / "weak.tsv").write_text("\n".join(weak) + "\n")
    for split, names in lists.items():
        (root / f"{split}.txt").write_text("\n".join(names) + "\n")
    known = (repository / "suites/maps/esc10_audioset.yaml").read_text()
    (tmp_path / "map.yaml").write_text(known + "\nspeech: [Speech]\n")
    (tmp_path / "suite.yaml").write_text(SUITE)
    return tmp_path


def test_gpvad_with_thresholds_from_other_recordings(real: Path, realdata: Path, repository: Path) -> None:
    checkpoint = realdata / "tag_gpvad" / "pretrained_models" / "teacher1" / "model.pth"
    options = {"checkpoint": str(checkpoint), "label_map": str(real / "map.yaml"), "output": "frames"}
    given = session.Settings(out=real / "runs", data={"real": real / "data"}, quiet=True, verify=True)
    prepared = session.prepare(
        load_suite(str(real / "suite.yaml")), str(repository / "adapters/gpvad.py"), options, given
    )
    finished = session.run(prepared, given, options)
    result, held = finished.result, finished.result.thresholds
    labels = result.dataset.labels
    assert (held.clips, result.cells[0].counts.scored) == (80, 41) and held.untuned == ["speech"]

    def tags(folder: str) -> tuple[np.ndarray, np.ndarray]:
        stored = read_units(sorted((finished.path.parent / folder).glob("*.parquet")))
        truth = np.array([[label in one for label in labels] for one in stored.table["label"]])
        return truth, np.stack([one.scores.max(axis=0) for one in stored.scores])

    limits = [held.thresholds[label] for label in labels]
    truth, scores = tags("tuning")
    present = truth.any(axis=0)
    chosen = f1_score(truth[:, present], (scores >= limits)[:, present], average="macro")
    assert held.reached == pytest.approx(chosen, abs=1e-12)
    truth, scores = tags("predictions")
    metrics = result.cells[0].metrics
    assert metrics["macro_f1"].value == pytest.approx(f1_score(truth, scores >= limits, average="macro"), abs=1e-12)
    assert metrics["half_macro_f1"].value == pytest.approx(f1_score(truth, scores >= 0.5, average="macro"), abs=1e-12)
    # The tagger is not calibrated for this: thresholds from other recordings are worth a good deal.
    assert metrics["macro_f1"].value > metrics["half_macro_f1"].value + 0.1
    assert metrics["segment_micro_f1"].n == 1 and metrics["segment_micro_f1"].value > 0.5
    verified = {check.name: check.status for check in result.checks if check.name.startswith("verify")}
    assert verified["verify:segment"] == "pass"

"""What is wrong with events, recordings or scores, as met at the command line: one clear error, or a count."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchbed.cli import main

RATE = 8000
SUITE = """
name: mine
version: "1"
task: frames
data: {layout: events, name: mine, options: {labels: [dog, rain]}}
metrics: {family: sed_segment, primary: micro_f1, further: [{family: sed_event, name: event}, {family: psds, name: d}]}
profile: false
statistics: {draws: 20}
"""
EAR = """
import numpy as np
from benchbed.adapter import Adapter, Card

class Ear(Adapter):
    def __init__(self, wrong: str = ""):
        self.wrong = wrong
        self.card = Card(name="ear", family="other", output="frames", labels=("dog", "rain"), sample_rate=8000,
                         scores="probabilities", frame_seconds=0.1)

    def predict(self, batch):
        clips, _, samples = batch.waveforms.shape
        scores = np.full((clips, samples // 800, 2), 0.2, np.float32)
        if self.wrong:
            scores[batch.waveforms[:, 0].max(1) > 0.2] = float(self.wrong)
        return scores
"""


def exit_code(words: list[str]) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(words)
    return int(stopped.value.code or 0)


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    """Four recordings of two seconds, the last one louder; runs the suite with other rows of events."""
    (tmp_path / "data/audio").mkdir(parents=True)
    for number in range(4):
        wave = 0.1 * (1 + 3 * (number == 3)) * np.sin(np.arange(2 * RATE))
        soundfile.write(tmp_path / f"data/audio/{number}.wav", wave, RATE)
    (tmp_path / "suite.yaml").write_text(SUITE)
    (tmp_path / "ear.py").write_text(EAR)
    (tmp_path / "config.yaml").write_text("data: {}\n")
    monkeypatch.setenv("BENCHBED_CONFIG", str(tmp_path / "config.yaml"))
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def run(*rows: str, flags: tuple[str, ...] = ()):
        listed = ["filename\tonset\toffset\tevent_label", "0.wav\t0.5\t1.5\tdog", *rows]
        (tmp_path / "data/events.tsv").write_text("\n".join(listed) + "\n")
        words = ["run", "suite.yaml", "--model", "ear.py", "--data", "mine=data", "--quiet", "--no-report", *flags]
        code = exit_code(words)
        out, err = capsys.readouterr()
        result = json.loads(Path(out.splitlines()[-1]).read_text()) if out.strip() else None
        return code, result, err

    run.root = tmp_path
    return run


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("1.wav\t1.5\t1.0\tdog", "the event 1.5 to 1 s does not end after it starts"),
        ("1.wav\t1.0\t1.0\train", "the event 1 to 1 s does not end after it starts"),
        ("1.wav\t-0.5\t1.0\train", "the event starts at -0.5 s, before its recording"),
        ("1.wav\t2.5\t3.0\train", "the event starts at 2.5 s, its recording ends at 2 s"),
        ("1.wav\t0.5\t1.0\train_", "unknown label 'rain_'"),
        ("1.wav\tnan\t1.0\train", "needs onset and offset as numbers"),
        ("9.wav\t0.5\t1.0\train", "the recording '9.wav' is not there"),
    ],
)
def test_an_event_that_cannot_be_scored_is_one_error_at_its_row(mine, row, words):
    code, result, err = mine(row)
    assert code == 2 and result is None and err.count("error:") == 1
    assert words in err and "events.tsv:3" in err and "try:" in err and "Traceback" not in err
    assert len(err.splitlines()) < 12


def test_odd_events_can_be_left_out_and_are_counted(mine):
    flags = ("--set", "suite.data.options={labels: [dog, rain], odd: drop}")
    code, result, _ = mine("1.wav\t1.5\t1.0\tdog", "1.wav\t1.0\t1.0\train", "2.wav\t0.5\t1.0\tcat", flags=flags)
    assert code == 0 and result["cells"][0]["counts"]["clips"] == 4
    assert result["dataset"]["notes"][:2] == [
        "1 event of unknown classes was left out",
        "2 events that do not end after they start were left out",
    ]


def test_an_event_past_the_end_is_cut_and_overlapping_ones_are_merged_and_both_counted(mine):
    flags = ("--set", "suite.data.options={labels: [dog, rain], overlap: merge}")
    rows = "1.wav\t0.5\t7.0\tdog", "2.wav\t0.2\t1.0\train", "2.wav\t0.6\t1.4\train"
    code, result, _ = mine(*rows, flags=flags)
    assert code == 0
    assert result["dataset"]["notes"][:2] == [
        "1 event was cut at the end of its recording",
        "1 event was merged with an overlapping one of its class",
    ]
    # Three events are left, of which a silent detector misses all.
    # On segments of a second, those of 0.5 to 1.5 s and 0.5 to 2.0 s, and of 0.2 to 1.4 s once.
    classes = {key: held["f1"]["n"] for key, held in result["cells"][0]["groups"].items() if "class=" in key}
    assert classes == {"class=dog": 4, "class=rain": 2}
    assert result["cells"][0]["metrics"]["deletion_rate"]["value"] == 1.0


def test_nan_scores_are_failures_and_break_the_policy(mine):
    code, result, err = mine(flags=("--set", "wrong=nan"))
    assert code == 3 and result["cells"][0]["counts"]["failed"] == 1 and not result["cells"][0]["complete"]
    assert "NaN" in err and "3.wav" in err and "Traceback" not in err
    assert mine(flags=("--set", "wrong=nan", "--fail-on-error", "1"))[0] == 0


@pytest.mark.parametrize("wrong", ["1.5", "-0.5"])
def test_scores_outside_0_and_1_are_one_error_that_says_what_to_do(mine, wrong):
    code, result, err = mine(flags=("--set", f"wrong={wrong}"))
    assert code == 2 and result is None and err.count("error:") == 1
    assert "the card says probabilities, but predict returned" in err and "scores='logits'" in err


def test_a_recording_that_cannot_be_read_is_a_counted_failure(mine):
    (mine.root / "data/audio/2.wav").write_bytes(b"RIFF")
    code, result, err = mine()
    assert code == 3 and result["cells"][0]["counts"]["failed"] == 1 and "2.wav" in err
    assert result["failures"][0]["stage"] == "decode"


def test_no_recordings_or_no_events_are_errors_with_a_place(mine):
    assert exit_code(["run", "suite.yaml", "--model", "ear.py", "--data", "mine=data", "--quiet"]) == 2
    for path in (mine.root / "data/audio").iterdir():
        path.unlink()
    code, _, err = mine()
    assert code == 2 and "there are no recordings" in err

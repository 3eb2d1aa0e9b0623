"""Events put into clips and taken out of them: what becomes of audio, references and record."""

from __future__ import annotations

import textwrap

import numpy as np
import pytest
import soundfile

import benchbed as bb
from benchbed.errors import BenchbedError
from benchbed.outputs.frames.references import Timed, moved
from benchbed.perturb import resolve
from benchbed.perturb.contract import Context
from benchbed.perturb.sounds import Sounds
from benchbed.rng import stream
from benchbed.run.computing.moves import AppliedMoves

RATE, SECONDS = 8000, 4
TONES = {"low": 250, "high": 3000, "dog": 1000}
RECORDINGS = {
    "a": [(0.5, 1.5, "low"), (2.0, 3.0, "high")],
    "b": [(1.0, 2.0, "low"), (2.5, 3.5, "low")],
    "c": [(1.0, 3.0, "high"), (0.2, 0.8, "low")],
    "d": [(0.2, 1.2, "high")],
}
DETECTOR = """
import torch
from benchbed.adapter import Card, TorchAdapter

class Bands(torch.nn.Module):
    def forward(self, x):
        power = torch.fft.rfft(x[:, 0].unflatten(1, (-1, 800))).abs().square()
        bands = torch.stack([power[..., 20:30].sum(-1), power[..., 295:305].sum(-1)], 2)
        return 5 * (bands + 1e-9).log10() - 5

class Detector(TorchAdapter):
    def __init__(self, output: str = "frames"):
        self.card = Card(name="bands", family="other", output=output, labels=("high", "low"), sample_rate=8000,
                         frame_seconds=0.1 if output == "frames" else None)

    def build(self):
        return Bands()

    def forward(self, x):
        frames = self.model(x).flip(-1)
        return frames if self.card.output == "frames" else frames.amax(1)
"""


def tone(name: str, seconds: float) -> np.ndarray:
    return 0.1 * np.sin(2 * np.pi * TONES[name] * np.arange(round(seconds * RATE)) / RATE)


@pytest.fixture
def world(tmp_path):
    """Recordings, a detector that is always right, and a folder of sounds to put in."""
    (tmp_path / "toys" / "audio").mkdir(parents=True)
    lines = ["filename\tonset\toffset\tevent_label"]
    for name, events in RECORDINGS.items():
        wave = 0.001 * stream("scene", name).standard_normal(SECONDS * RATE)
        for onset, offset, label in events:
            first = round(onset * RATE)
            wave[first : first + round((offset - onset) * RATE)] += tone(label, offset - onset)
            lines.append(f"{name}.wav\t{onset}\t{offset}\t{label}")
        soundfile.write(tmp_path / "toys" / "audio" / f"{name}.wav", wave, RATE, subtype="FLOAT")
    (tmp_path / "toys" / "events.tsv").write_text("\n".join(lines) + "\n")
    for name in TONES:
        (tmp_path / "sounds" / name).mkdir(parents=True)
        soundfile.write(tmp_path / "sounds" / name / "1.wav", tone(name, 0.6), RATE, subtype="FLOAT")
    (tmp_path / "bands.py").write_text(textwrap.dedent(DETECTOR))
    return tmp_path


def run(world, task: str, metrics: dict, conditions: list):
    suite = {
        "name": "events",
        "version": "1",
        "task": task,
        "data": {"layout": "events", "name": "toys"},
        "metrics": metrics,
        "statistics": {"draws": 0},
        "conditions": ["clean", *conditions],
    }
    options = {"output": task}
    return bb.run(
        suite, str(world / "bands.py"), options=options, data={"toys": world / "toys"}, out=world / "runs", report=False
    )


def test_a_detector_that_hears_everything_is_right_about_what_is_put_in_and_taken_out(world):
    injected = {"corruption": "event_injection", "parameters": [40], "draws": 3}
    injected["options"] = {"folder": str(world / "sounds"), "classes": ["low", "high"], "seconds": 0.3, "onset": 3.6}
    silenced = {"corruption": "silence_events", "parameters": [0.5], "draws": 2}
    made = run(world, "frames", {"family": "sed_segment", "primary": "micro_f1"}, [injected, silenced])
    values = {cell.condition.name: cell.metrics["micro_f1"].value for cell in made.result.cells}
    assert values["clean"] > 0.95
    # Were the references left as they are, every event put in would be a false alarm and every gap a miss.
    assert values["event_injection"] > 0.9 and values["silence_events"] > 0.9
    rows = made.predictions("frames/test/event_injection@1")
    assert set(rows["event"]) <= {"low", "high"} and rows["injected_at"].between(0, SECONDS).all()
    facts = next(c for c in made.result.cells if c.condition.name == "event_injection").condition.facts
    assert facts["classes"] == ["low", "high"] and facts["files"] == 3


def test_tags_gain_the_class_that_was_put_in_and_lose_the_one_that_is_gone(world):
    injected = {"corruption": "event_injection", "parameters": [40]}
    injected["options"] = {"folder": str(world / "sounds"), "seconds": 0.3, "onset": 3.6}
    silenced = {"corruption": "silence_events", "parameters": [0.5]}
    made = run(world, "tags", {"family": "tagging", "primary": "macro_f1"}, [injected, silenced])
    values = {cell.condition.name: cell.metrics["macro_f1"].value for cell in made.result.cells}
    assert values == {"clean": 1.0, "event_injection": 1.0, "silence_events": 1.0}
    cell = next(c for c in made.result.cells if c.condition.name == "event_injection")
    assert cell.condition.unit == "dB event-to-background"
    assert any(key.startswith("event=") for key in cell.groups)


def test_the_ratio_is_reached_at_the_onset_that_was_asked_for():
    clip = 0.05 * stream("bed").standard_normal((1, 2 * RATE)).astype(np.float32)
    made = resolve("event_injection", options={"onset": 0.5, "seconds": 0.4, "classes": ["dog"]})
    state = made.prepare(clip, RATE, stream("draw"), Context())
    for ratio in made.parameters:
        applied = made.apply(state, ratio)
        added = (applied.waveform - clip)[0]
        heard = np.flatnonzero(np.abs(added) > 1e-6)
        assert heard[0] >= 0.5 * RATE - 1 and heard[-1] <= 0.9 * RATE + 1
        behind = clip[0, RATE // 2 : RATE // 2 + round(0.4 * RATE)].astype(float)
        assert applied.achieved == pytest.approx(ratio, abs=0.01)
        assert 10 * np.log10((added.astype(float) ** 2).sum() / (behind**2).sum()) == pytest.approx(ratio, abs=0.1)
        assert applied.facts["event"] == "dog" and applied.facts["injected_at"] == 0.5
    assert made.added_events(state, 0.0) == [(0.5, 0.9, "dog")]


def test_what_is_silenced_is_gone_and_the_rest_is_as_it_was():
    clip = 0.05 * stream("bed").standard_normal((1, 2 * RATE)).astype(np.float32)
    events = ((0.2, 0.5, "dog"), (1.0, 1.5, "cat"))
    made = resolve("silence_events")
    state = made.prepare(clip, RATE, stream("draw"), Context(events=events))
    applied = made.apply(state, 1.0)
    assert not applied.waveform[0, round(0.2 * RATE) : round(0.5 * RATE)].any()
    kept = np.r_[0 : round(0.18 * RATE), round(0.52 * RATE) : round(0.98 * RATE), round(1.52 * RATE) : 2 * RATE]
    assert np.array_equal(applied.waveform[0, kept], clip[0, kept])
    assert applied.achieved == 1.0 and applied.facts["event_removed"] == "cat,dog"
    one = made.apply(state, 0.2)
    assert one.facts["events_silenced"] == 1 and one.facts["event_removed"] in ("cat", "dog")
    assert made.apply(made.prepare(clip, RATE, stream("d"), Context()), 1.0).skipped.startswith("no event with times")


def test_a_gap_in_the_background_holds_background():
    clip = 0.05 * stream("bed").standard_normal((1, 2 * RATE)).astype(np.float32)
    clip[0, RATE : RATE + 4000] *= 20
    made = resolve("silence_events", options={"fill": "background"})
    applied = made.apply(made.prepare(clip, RATE, stream("draw"), Context(events=((1.0, 1.5, "dog"),))), 1.0)
    level = float(applied.waveform[0, RATE : RATE + 4000].std())
    assert level == pytest.approx(0.05, rel=0.1)


def test_references_take_in_events_and_give_up_what_lies_in_gaps():
    reference = Timed(np.array([[0.0, 2.0]]), np.array([0]))
    clip = np.ones((1, 2 * RATE), np.float32)
    gap = resolve("silence_events")
    state = gap.prepare(clip, RATE, stream("d"), Context(events=((0.5, 1.0, "dog"),)))
    left = moved(reference, AppliedMoves(gap, state, 1.0, ("a", "dog")), 2.0)
    assert left.times.tolist() == [[0.0, 0.5], [1.0, 2.0]] and left.label.tolist() == [0, 0]
    put = resolve("event_injection", options={"onset": 0.5, "seconds": 0.5, "classes": ["dog"]})
    state = put.prepare(clip, RATE, stream("d"), Context())
    more = moved(reference, AppliedMoves(put, state, 0.0, ("a", "dog")), 2.0)
    assert more.times.tolist() == [[0.0, 2.0], [0.5, 1.0]] and more.label.tolist() == [0, 1]
    # A sound of a class that the data set does not have changes no reference.
    assert moved(reference, AppliedMoves(put, state, 0.0, ("a", "b")), 2.0).label.tolist() == [0]
    empty = Timed(np.zeros((0, 2)), np.zeros(0, np.int64))
    assert moved(empty, AppliedMoves(put, state, 0.0, ("dog",)), 2.0).label.tolist() == [0]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"classes": ["dgo"]}, "no sounds of 'dgo'"),
        ({"onset": -1}, "onset -1"),
        ({"seconds": "x"}, "seconds 'x'"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, match):
    with pytest.raises(BenchbedError, match=match):
        resolve("event_injection", options=options).configure(Context())


def test_classes_are_those_of_the_folders(world):
    assert Sounds(str(world / "sounds")).classes == ["dog", "high", "low"]
    drawn = {Sounds(str(world / "sounds")).draw(RATE, 0.3, stream("s", i)).name for i in range(40)}
    assert drawn == set(TONES)


def test_the_class_of_a_sound_is_stated_by_a_table_or_by_its_folder_and_never_guessed(world):
    loose = world / "loose"
    loose.mkdir()
    for name in ("a-1.wav", "a-2.wav", "b.wav"):
        soundfile.write(loose / name, tone("dog", 0.5), RATE)
    with pytest.raises(BenchbedError, match=r"3 of 3 sounds in .*loose have no class: a-1\.wav, a-2\.wav, b\.wav"):
        Sounds(str(loose))
    (loose / "classes.csv").write_text("filename,class\na-1.wav,dog\na-2.wav,cat\nb.wav,dog\n")
    inside = Sounds(str(loose), labels="classes.csv")
    assert inside.classes == ["cat", "dog"] and inside.facts()["classes_from"] == "classes.csv"
    told = world / "classes.json"
    told.write_text('{"a-1.wav": "dog", "a-2.wav": "cat", "b.wav": "bell"}')
    outside = Sounds(str(loose), ignore=("*.csv",), labels=str(told))
    assert outside.classes == ["bell", "cat", "dog"]
    # Another class of a file is another condition: its answers are never taken for those of this one.
    assert outside.facts()["classes_digest"] != inside.facts()["classes_digest"]
    assert Sounds(str(world / "sounds")).facts()["classes_from"] == "folders"


@pytest.mark.parametrize(
    ("name", "text", "match"),
    [
        ("t.csv", "filename,class\n1.wav,dog\n", "says no class of 1 of 2 sounds: 2.wav"),
        ("t.csv", "filename,class\n1.wav,dog\n1.wav,cat\n", "1.wav is dog and cat"),
        ("t.csv", "filename,class\n1.wav,\n2.wav,dog\n", "says no class of 1.wav"),
        ("t.csv", "sound,class\n1.wav,dog\n", "none for the file"),
        ("t.json", "[1]", "no json object"),
        ("t.json", "{", "no json"),
        ("gone.csv", None, "there is no table of classes"),
    ],
)
def test_a_table_of_classes_that_does_not_say_them_is_refused(tmp_path, name, text, match):
    (tmp_path / "sounds").mkdir()
    for number in (1, 2):
        soundfile.write(tmp_path / "sounds" / f"{number}.wav", tone("dog", 0.5), RATE)
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(BenchbedError, match=match):
        Sounds(str(tmp_path / "sounds"), labels=str(tmp_path / name))
    with pytest.raises(BenchbedError, match="without a folder"):
        Sounds(labels=str(tmp_path / name))


LOUD = """
import numpy as np
from benchbed.adapter import Adapter, Card

class Loudest(Adapter):
    card = Card(name="loudest", family="other", output="scene", labels=("low", "high"), sample_rate=8000)

    def load(self, device):
        pass

    def predict(self, batch):
        power = np.abs(np.fft.rfft(batch.waveforms[:, 0])) ** 2
        n = power.shape[1]
        bands = np.stack([power[:, : n // 4].sum(1), power[:, n // 2 :].sum(1)], 1)
        return np.log(bands + 1e-9).astype(np.float32)
"""


def test_a_record_says_which_sounds_turn_the_scene_with_interval_page_and_csv(world):
    """A low scene is turned by every loud high sound and by no low one; the other way round for a high scene."""
    (world / "scenes").mkdir()
    lines = ["path,label,group"]
    for i in range(24):
        label = ("low", "high")[i % 2]
        soundfile.write(world / "scenes" / f"{i}.wav", tone(label, 1.0) * (1 + 0.01 * i), RATE, subtype="FLOAT")
        lines.append(f"{i}.wav,{label},g{i}")
    (world / "scenes" / "clips.csv").write_text("\n".join(lines) + "\n")
    (world / "loudest.py").write_text(LOUD)
    sounds = {"folder": str(world / "sounds"), "classes": ["high", "low"], "seconds": 0.5}
    suite = {
        "name": "fooled",
        "version": "1",
        "task": "scene",
        "data": {
            "layout": "folder",
            "name": "scenes",
            "splits": ["all"],
            "options": {"csv": "clips.csv", "path": "path", "label": "label", "group": "group"},
        },
        "statistics": {"draws": 200},
        "conditions": ["clean", {"corruption": "event_injection", "parameters": [-20, 20], "options": sounds}],
    }
    run = bb.run(suite, str(world / "loudest.py"), data={"scenes": world / "scenes"}, out=world / "runs")
    scores = {name: value for name, value in run.result.scores.items() if name.startswith("fooled:")}
    assert set(scores) == {f"fooled:event_injection{at}/{name}" for at in ("", "@1", "@2") for name in ("high", "low")}
    assert scores["fooled:event_injection@1/high"].value == 0.0
    rows = run.predictions("scene/all/event_injection@2")
    for name in ("high", "low"):
        loud = scores[f"fooled:event_injection@2/{name}"]
        mine = rows[rows["event"] == name]
        other = mine["clip_id"].str.extract(r"(\d+)")[0].astype(int) % 2 != ["low", "high"].index(name)
        # By hand: of the clips that got this sound, those of the other class; the model is always right when clean.
        assert loud.value == pytest.approx(other.mean()) and loud.n == len(mine)
        assert loud.title == "Turned at 20 dB event-to-background" and loud.direction == "lower"
        assert loud.low < loud.value < loud.high
        assert scores[f"fooled:event_injection/{name}"].value == pytest.approx(loud.value / 2)
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "sound that was put in, Event injection: clips that it turned" in page
    exported = run.figures().to_csv()
    assert "fooled:event_injection/high" in exported and "Turned at -20 dB event-to-background" in exported

"""Overlapping windows of long recordings, averaged on seconds as the MAESTRO-Real baseline does; soft labels."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchbed.card import Card
from benchbed.data import synthetic
from benchbed.data.layouts import maestro_real
from benchbed.errors import ConfigError
from benchbed.outputs.frames import OUTPUT
from benchbed.outputs.frames.grid import overlaid
from benchbed.outputs.frames.hardened import certain
from benchbed.outputs.frames.references import Timed, placed
from benchbed.predictions.store import read_units
from benchbed.run import session
from benchbed.run.computing.windows import InWindows, to_windows
from benchbed.run.preparing.price import estimate
from benchbed.suite.load import load_suite
from benchbed.types import Batch

#: Its outputs depend on where in its window a frame is, so that only the right average gives the right scores.
EAR = """
import numpy as np
from benchbed.adapter import Adapter, Card

LABELS = {labels}

class Ear(Adapter):
    def __init__(self, clip_seconds: float = 0.0):
        self.card = Card(name="ear", family="other", output="frames", labels=LABELS, sample_rate=16000,
                         scores="probabilities", clip_seconds=clip_seconds or None, frame_seconds=0.1)

    def predict(self, batch):
        clips, _, samples = batch.waveforms.shape
        frames = batch.waveforms[:, 0, : samples // 1600 * 1600].reshape(clips, -1, 1600)
        loud = np.abs(np.fft.rfft(frames, axis=2))[..., : 10 * len(LABELS)].reshape(*frames.shape[:2], len(LABELS), 10)
        place = np.linspace(0.5, 1, frames.shape[1])[None, :, None]
        return (np.tanh(loud.mean(3)) * place).astype(np.float32)
"""


class Windows:
    """Says for every frame which sample it begins at."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def predict(self, batch: Batch) -> np.ndarray:
        self.shapes.append(batch.waveforms.shape)
        return batch.waveforms[:, 0, ::100, None].copy()


def test_windows_begin_every_hop_and_cover_the_end() -> None:
    card = Card(name="w", family="other", output="frames", labels=("a",), sample_rate=1000, frame_seconds=0.1)
    wave = (np.arange(12_300) / 12_300).astype(np.float32)[None]
    made = to_windows(wave, 1000, card, (10.0, 1.0))
    assert made.waveform.shape == (1, 13_000) and made.padded
    model = Windows()
    hearing, reading = InWindows(card, 3, (10.0, 1.0)), OUTPUT.read(card, ("a",))
    scores = hearing.ask(model, reading, np.stack([made.waveform, made.waveform]), {})
    assert scores.shape == (2, 4, 100, 1) and [shape[0] for shape in model.shapes] == [3, 3, 2]
    starts = [0, 1000, 2000, 3000]
    expected = [made.waveform[0, s : s + 10_000 : 100] for s in starts]
    np.testing.assert_array_equal(scores[1, :, :, 0], expected)
    short = to_windows(wave[:, :4000], 1000, card, (10.0, 1.0))
    assert short.waveform.shape[1] == 10_000, "a window is the least that a model hears"


def test_overlapping_outputs_are_averaged_on_seconds_by_hand() -> None:
    generator = np.random.default_rng(0)
    outputs = generator.random((4, 100, 2))
    made = overlaid(outputs, 0.1, 1.0, 10.0, 12.3)
    expected = np.zeros((13, 2))
    for second in range(13):
        inside = [(w, second - w) for w in range(4) if 0 <= second - w < 10]
        means = []
        for window, own in inside:
            # The last second is cut by the end of the recording.
            frames = slice(10 * own, 10 * own + (10 if second < 12 else 3))
            means.append(outputs[window, frames].mean(axis=0))
        expected[second] = np.mean(means, axis=0)
    np.testing.assert_allclose(made.scores, expected, atol=1e-6)
    beyond = np.concatenate([outputs, generator.random((4, 1, 2))], axis=1)
    np.testing.assert_array_equal(overlaid(beyond, 0.1, 1.0, 10.0, 12.3).scores, made.scores)
    assert made.hop == 1.0 and made.edges[-1] == 12_300_000


@pytest.fixture(scope="module")
def maestro(tmp_path_factory) -> Path:
    return synthetic.make(tmp_path_factory.mktemp("m") / "maestro", layout="maestro_real", size="small")


@pytest.fixture
def run(tmp_path: Path, maestro: Path):
    adapter = tmp_path / "ear.py"
    adapter.write_text(textwrap.dedent(EAR).replace("{labels}", repr(maestro_real.SCORED)))

    def run(suite: str, options: dict | None = None, overrides: dict | None = None, **settings):
        given = session.Settings(out=tmp_path / "runs", data={"maestro_real": maestro}, quiet=True, **settings)
        loaded = load_suite(suite, {"statistics.draws": "0", **(overrides or {})})
        return session.run(session.prepare(loaded, str(adapter), options or {}, given), given, options or {})

    return run


def test_maestro_is_scored_by_the_recipe_of_2024(run, maestro) -> None:
    """mAUC once more from the audio: windows cut, averaged and ranked by scikit-learn, labels from the files."""
    import soundfile

    finished = run("maestro_real")
    metrics = finished.result.cells[0].metrics
    scores, target = [], []
    for file in sorted(maestro.glob("development_annotation/*/*.txt")):
        truth = np.zeros((12, 11), bool)
        for line in file.read_text().splitlines():
            onset, _, label, share = line.split("\t")
            if float(share) > 0.5:
                truth[int(onset), maestro_real.SCORED.index(label)] = True
        scene = file.parent.name.removeprefix("soft_labels_")
        wave, _ = soundfile.read(maestro / "development_audio" / scene / f"{file.stem}.wav", dtype="float32")
        total, count = np.zeros((12, 11)), np.zeros((12, 1))
        for start in range(3):
            frames = wave[16_000 * start : 16_000 * (start + 10)].reshape(100, 1600)
            loud = np.abs(np.fft.rfft(frames, axis=1))[:, :110].reshape(100, 11, 10).mean(2)
            made = (np.tanh(loud) * np.linspace(0.5, 1, 100)[:, None]).reshape(10, 10, 11).mean(1)
            total[start : start + 10] += made
            count[start : start + 10] += 1
        scores.append(total / count)
        target.append(truth)
    scores, target = np.concatenate(scores), np.concatenate(target)
    held = np.flatnonzero(target.any(0) & ~target.all(0))
    areas = [roc_auc_score(target[:, c], scores[:, c]) for c in held]
    assert len(held) > 4 and metrics["mauc"].value == pytest.approx(np.mean(areas), abs=1e-6)
    assert metrics["mpauc"].rule.startswith("mpauc:staircase:max-fpr-0.1") and metrics["mpauc"].value is not None
    assert {"best_macro_f1", "segment_micro_f1", "segment_error_rate"} <= set(metrics)
    assert "scene=cafe_restaurant" in finished.result.cells[0].groups and finished.result.dataset.synthetic


def test_the_plan_knows_that_seconds_are_kept(run, maestro) -> None:
    planned = estimate(load_suite("maestro_real"), None, {}, data={"maestro_real": maestro})
    folder = run("maestro_real").path.parent / "predictions"
    scores = 5 * 12 * 11 * 8
    assert "disk_assumes" not in planned and scores < planned["disk_bytes"] < 2 * scores
    assert sum(len(one.scores) for one in read_units(sorted(folder.glob("*.parquet"))).scores) == 5 * 12


def test_windows_are_part_of_the_key_of_a_prediction(run) -> None:
    first = run("maestro_real", {"clip_seconds": 10.0})
    other = run("maestro_real", {"clip_seconds": 10.0}, {"audio.windows.hop_seconds": "2.0"})
    plain = run("maestro_real", {"clip_seconds": 10.0}, {"audio.windows": "null"})
    assert other.reused == plain.reused == 0
    values = {found.result.cells[0].metrics["mauc"].value for found in (first, other, plain)}
    assert len(values) == 3
    stored = read_units(sorted((plain.path.parent / "predictions").glob("*.parquet")))
    assert stored.scores[0].hop == 0.1


def test_folds_of_maestro(run) -> None:
    result = run("maestro_real_folds").result
    assert [cell.split for cell in result.cells] == [f"fold{k}" for k in range(1, 6)]
    assert sum(cell.counts.clips for cell in result.cells) == 5 and "folds_mean:best_macro_f1" in result.scores


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"audio.windows": "{seconds: 1.0, hop_seconds: 2.0}"}, "leave gaps"),
        ({"conditions": "[clean, {attack: pgd, budgets: [30]}]"}, "an attack hears windows one after another"),
    ],
)
def test_windows_that_make_no_sense(run, overrides, words) -> None:
    with pytest.raises(ConfigError, match=words):
        run("maestro_real", None, overrides)


def test_seconds_that_most_annotators_heard_are_one_event() -> None:
    times = np.array([[0.0, 1], [1, 2], [2, 3], [3, 4], [0, 1], [2, 3]])
    soft = Timed(times, np.array([0, 0, 0, 0, 1, 1]), np.array([1.0, 1.0, 0.6, 0.4, 1.0, 1.0]))
    stored = placed(soft, 4.0)
    assert stored.onset.tolist() == [0, 0, 2_000_000, 2_000_000, 3_000_000], "a curve: 1.0 twice, then 0.6 and 0.4"
    made = certain(stored)
    assert (made.onset.tolist(), made.offset.tolist()) == ([0, 0, 2_000_000], [3_000_000, 1_000_000, 3_000_000])
    # What everybody heard has no soft labels left when it is read again.
    everybody = placed(Timed(times[:2], np.zeros(2, int), np.ones(2)), 4.0)
    assert (everybody.onset.tolist(), everybody.offset.tolist()) == ([0], [2_000_000])
    assert len(placed(Timed(times[:0], np.zeros(0, int), np.zeros(0)), 4.0)) == 0


def test_listeners_agree_on_what_is_loud() -> None:
    from benchbed.data.synthesis.events_mixed import Placed
    from benchbed.data.synthesis.events_soft import heard

    loud = heard(0, "x", [Placed("car", 0.0, 50.0, 30.0)], 50)
    soft = heard(0, "x", [Placed("car", 0.0, 50.0, -5.0)], 50)
    shares = [np.mean([share for _, label, share in found if label == "car"]) for found in (loud, soft)]
    assert shares[0] == 1.0 and 0.35 < shares[1] < 0.65, "a listener in two hears a car 5 dB below its background"

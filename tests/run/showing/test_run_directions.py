"""Directions of a run for its page: which recordings, which stretches, errors by place, and what is heard."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

import benchbed as bb
from benchbed.data import synthetic
from benchbed.metrics.families import sed_event, seld2022, seld2025
from benchbed.metrics.joint import Joint
from benchbed.metrics.seld.examples import random_tracks
from benchbed.outputs.tracks.recording import Tracks, tracks
from benchbed.report import listening as shown_sounds
from benchbed.report.drawings import read
from benchbed.report.page import report_html
from benchbed.results.directions import NAME, CellDirections, read_directions
from benchbed.results.listening import read_listening
from benchbed.run.showing.directions import LONGEST, _line, cell_directions
from benchbed.run.showing.kinds.tracks import heard, localisation_of
from benchbed.run.showing.shelf import Recordings
from benchbed.stats.bootstrap import Bootstrap

LABELS = ("dog", "rain")


def objects(*held: Tracks) -> np.ndarray:
    array = np.empty(len(held), object)
    array[:] = held
    return array


def drawn(family: object, said: np.ndarray, there: np.ndarray, draws: int = 0) -> CellDirections:
    names = [f"r{i}.wav" for i in range(len(said))]
    made = Recordings(said, there, names, np.arange(len(said)), Bootstrap(len(said), draws, "toy"))
    return cell_directions(family, made, "tracks/test/clean")  # type: ignore[arg-type]


def test_every_stretch_says_what_it_counts_as() -> None:
    there = tracks([0, 1, 2, 3, 4], [0] * 5, [10.0] * 5, frames=10)
    said = tracks([1, 2, 3, 8], [0, 0, 0, 1], [10.0, 12.0, 60.0, -40.0], frames=10)
    cell = drawn(seld2022.family(LABELS), objects(said), objects(there))
    (one,) = cell.shown
    dog, rain = one.sources
    assert [(s.state, s.onset, s.offset) for s in dog.reference] == [
        ("missed", 0.0, 0.1),
        ("found", 0.1, 0.3),
        ("misplaced", 0.3, 0.4),
        ("missed", 0.4, 0.5),
    ]
    assert [(s.state, s.onset, s.offset) for s in dog.output] == [("right", 0.1, 0.3), ("misplaced", 0.3, 0.4)]
    assert (dog.missed, dog.misplaced, dog.false) == (0.2, 0.1, 0.0)
    assert dog.error == pytest.approx((0 + 2 + 50) / 3, abs=0.01)
    assert [(s.state, s.onset) for s in rain.output] == [("false", 0.8)] and rain.false == 0.1 and not rain.reference
    assert (one.seconds, one.start, one.stop) == (1.0, 0.0, 1.0)


def test_a_line_ends_where_it_would_cross_the_back() -> None:
    azimuth = np.array([160.0, 170.0, 180.0, -170.0, -160.0])
    there = tracks(range(5), [0] * 5, azimuth, frames=5)
    (one,) = drawn(seld2022.family(LABELS), objects(there.only(np.array([0]))), objects(there)).shown
    lines = [line for stretch in one.sources[0].reference for line in stretch.azimuth]
    assert [line[0][1] for line in lines] == [160.0, 170.0, -170.0]
    assert all(abs(a[1] - b[1]) < 90 for line in lines for a, b in pairwise(line))


def test_few_points_are_as_good_as_all() -> None:
    times = np.arange(200) / 10
    values = 60 * np.sin(times)
    kept = _line(times, values, 1.0, 6)
    assert len(kept) < 80
    straight = np.interp(times, [t for t, _ in kept], [v for _, v in kept])
    assert np.abs(straight - values).max() <= 1.0 + 1e-6
    assert len(_line(times, np.full(200, 5.0), 1.0, 1)) == 2


def test_errors_are_broken_down_by_hand() -> None:
    # Two sources at a time in frame 0, one in frame 1; the far one is missed, the other 10 and 40 degrees off.
    there = tracks([0, 0, 1], [0, 1, 0], [15.0, -100.0, 15.0], [0.0, 10.0, 0.0], distance=[1.5, 3.5, 1.5], frames=2)
    said = tracks([0, 1], [0, 0], [25.0, 55.0], distance=[3.0, 1.5], frames=2)
    cell = drawn(seld2022.family(LABELS), objects(said), objects(there))
    parts = {one.by: {each.name: each for each in one.bins} for one in cell.breakdowns}
    assert list(parts) == ["sources at a time", "distance", "azimuth", "elevation"]
    two, alone = parts["sources at a time"]["2"], parts["sources at a time"]["1"]
    assert (two.frames, two.figures["found"].value, two.figures["within"].value) == (2, 0.5, 0.5)
    assert (alone.frames, alone.figures["within"].value) == (1, 0.0)
    assert alone.figures["angle"].value == pytest.approx(40) and two.figures["angle"].value == pytest.approx(10)
    assert two.figures["relative_distance"].value == pytest.approx(1.0)
    assert parts["distance"]["1 to 2 m"].frames == 2
    far = parts["distance"]["3 to 4 m"]
    assert far.figures["angle"].value is None and far.figures["angle"].reason == "no source was found"
    assert parts["azimuth"]["0 to 30°"].frames == 2 and parts["azimuth"]["-120 to -90°"].frames == 1
    assert parts["elevation"]["0 to 30°"].frames == 3
    assert all(v.n == 1 and v.rule and v.reason for b in parts["azimuth"].values() for v in b.figures.values())
    fields = {(patch.azimuth, patch.elevation): patch for patch in cell.sphere}
    near, lost = fields[(0.0, 30.0), (0.0, 30.0)], fields[(-120.0, -90.0), (0.0, 30.0)]
    assert near.error == pytest.approx(25) and near.found == 1.0 and near.there == (15.0, 0.0)
    assert near.said == (40.0, 0.0) and lost.error is None and lost.found == 0.0


def test_the_bins_add_up_to_the_whole_and_have_intervals() -> None:
    said, there = random_tracks(np.random.default_rng(4), 40, 2)
    cell = drawn(seld2022.family(LABELS), said, there, draws=200)
    rows = sum(map(len, there))
    for part in cell.breakdowns:
        assert sum(each.frames for each in part.bins) == rows, part.by
        whole = sum(each.frames * (each.figures["found"].value or 0) for each in part.bins) / rows
        assert whole == pytest.approx(sum(p.found * p.frames for p in cell.sphere) / rows, abs=1e-4)
        for each in part.bins:
            for name, value in each.figures.items():
                if each.frames > 100 and name == "within":
                    assert value.low is not None and value.low <= value.value <= value.high, (part.by, each.name)
                    assert value.interval and value.low >= 0 and value.high <= 1


def test_the_worst_and_typical_ones_are_chosen_by_their_own_f20() -> None:
    said, there = random_tracks(np.random.default_rng(5), 20, 2)
    family = seld2022.family(LABELS, by="benchbed")
    f20 = family.values(family.statistics(said, there))["micro_f20"]
    cell = drawn(family, said, there)
    worst = [one for one in cell.shown if one.why == "worst"]
    assert [one.f20 for one in worst] == sorted(f20)[:3] and cell.recordings == 20
    assert cell.median_f20 == pytest.approx(float(np.median(f20)), abs=1e-6)
    nothing = drawn(family, objects(Tracks(frames=5)), objects(Tracks(frames=5)))
    assert nothing.recordings == 0 and not nothing.shown and nothing.median_f20 is None


def test_of_a_long_recording_the_part_with_most_errors_is_shown() -> None:
    frames = 3 * LONGEST
    there = tracks(range(frames), [0] * frames, [0.0] * frames, frames=frames)
    right = np.arange(frames) < 2 * LONGEST
    (one,) = drawn(seld2022.family(LABELS), objects(there.only(right)), objects(there)).shown
    assert (one.start, one.stop) == (2 * LONGEST / 10, 3 * LONGEST / 10)
    assert one.sources[0].missed == LONGEST / 10


def test_two_channels_know_no_elevation() -> None:
    said, there = random_tracks(np.random.default_rng(6), 5, 2)
    cell = drawn(seld2025.family(LABELS), said, there)
    assert not cell.elevations and not cell.sphere
    assert [one.by for one in cell.breakdowns] == ["sources at a time", "distance", "azimuth"]
    assert all(each.low >= -90 and each.high <= 90 for each in cell.breakdowns[2].bins)
    assert not any(s.elevation for one in cell.shown for source in one.sources for s in source.reference)


def test_the_first_metrics_that_know_directions_decide() -> None:
    family = seld2022.family(LABELS)
    assert localisation_of(family) is family and localisation_of(sed_event.family(LABELS)) is None
    assert localisation_of(Joint(family, {"other": seld2025.family(LABELS)})) is family


@pytest.mark.parametrize(
    "clip, channels, left, note",
    [
        ("s/foa_dev/a.wav", [2.0, 1.0, 5.0, 7.0], [1.5, 0.5], "Ambisonics"),
        ("s/mic_dev/a.wav", [1.0, 2.0, 3.0, 4.0], [2.0, 3.0], "four microphones"),
        ("s/stereo_dev/a.wav", [1.0, 2.0], [1.0, 2.0], "two channels"),
    ],
)
def test_how_many_channels_are_played_as_two_is_said(clip: str, channels: list, left: list, note: str) -> None:
    made, said = heard(clip, np.array(channels)[:, None])
    assert made.ravel().tolist() == left and note in said


ADAPTER = '''
import numpy as np
from benchbed.adapter import Adapter, Card
from benchbed.outputs.tracks.classes import STARSS


class Front(Adapter):
    """Hears the intensity, and never turns its head: of a scene that was turned it says where it was."""

    def __init__(self):
        self.card = Card(name="front", family="other", output="tracks", labels=STARSS, sample_rate=24000,
                         channels=4, clip_seconds=2.5, frame_seconds=0.1)

    def predict(self, batch):
        w = batch.waveforms.astype(np.float64).reshape(len(batch.waveforms), 4, -1, 2400)
        intensity = np.stack([(w[:, 0] * w[:, c]).mean(axis=-1) for c in (3, 1, 2)], axis=-1)
        loud = (w[:, 0] ** 2).mean(axis=-1) > 1e-4
        intensity[..., 0] = np.abs(intensity[..., 0])
        units = intensity / np.maximum(np.linalg.norm(intensity, axis=-1, keepdims=True), 1e-12)
        return np.repeat((units * loud[..., None])[:, :, None], len(STARSS), axis=2)
'''


@pytest.mark.filterwarnings("ignore::benchbed.errors.BenchbedWarning")
def test_a_run_keeps_directions_and_the_turned_scene_beside_the_scene(tmp_path: Path) -> None:
    (tmp_path / "front.py").write_text(ADAPTER)
    root = synthetic.make(tmp_path / "set", layout="starss23", size="small")
    made = bb.run(
        {
            "name": "turned",
            "version": "1",
            "task": "tracks",
            "data": {"layout": "starss23", "splits": ["test"]},
            "conditions": ["clean", {"corruption": "foa_rotation", "severities": [5]}],
            "metrics": {"family": "seld2022", "primary": "macro_f20"},
            "statistics": {"draws": 40},
            "profile": False,
        },
        str(tmp_path / "front.py"),
        data={"starss23": root},
        out=tmp_path / "runs",
        listen=3,
    )
    kept = read_directions(made.path)
    assert kept is not None and [cell.cell.split("/")[2][:5] for cell in kept.cells] == ["clean", "foa_r"]
    assert kept.cells[0].shown and kept.cells[0].sphere and NAME in str(made.result.provenance.artefacts)
    sounds = read_listening(made.path)
    assert sounds is not None
    turned = next(clip for clip in sounds.clips if clip.why == "worst drop")
    assert "foa_rotation" in turned.cell and "two cardioids" in turned.playback
    clean, perturbed = (soundfile.read(made.path / "listen" / sound.audio)[0] for sound in turned.sounds[:2])
    assert clean.shape == perturbed.shape and clean.shape[1] == 2
    assert [sound.score is not None for sound in turned.sounds] == [True, True, False]
    # Turned, the two channels hear something else; both are there at once, so the sum of them is about the same.
    assert np.abs(clean - perturbed).max() > 0.01
    assert any(clip.why in ("worst", "typical") and clip.playback for clip in sounds.clips)
    text = report_html(made.result, clips=shown_sounds.read(made.path), drawn=read(made.path))
    assert 'id="directions"' in text and text.count("played as two cardioids") >= 2 and 'id="listen"' in text


def test_an_answer_that_is_still_to_be_decided_is_decided_first() -> None:
    there = objects(tracks([0, 1], [0, 0], [10.0, 10.0], frames=2))
    said = objects(replace(tracks([0, 1], [0, 0], [10.0, 10.0], frames=2), activity=np.array([0.9, 0.3])))
    states = {
        threshold: [
            s.state
            for s in drawn(seld2022.family(LABELS, threshold=threshold), said, there).shown[0].sources[0].reference
        ]
        for threshold in (0.2, 0.5)
    }
    assert states == {0.2: ["found"], 0.5: ["found", "missed"]}

"""Clips worth hearing, on a toy folder: which are chosen, that they are what the model heard, when none are kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from benchbed.predictions.by_cell import PredictionsByCell
from benchbed.predictions.store import read_units
from benchbed.report import listening as page
from benchbed.report.page import report_html
from benchbed.results.listening import read_listening
from benchbed.run import session
from benchbed.run.journal import Journal
from benchbed.run.showing.listening import keep, lies_there
from benchbed.suite.load import load_suite

SUITE = """
name: toy
version: "1"
task: scene
data:
  layout: folder
  name: toy
  options: {csv: clips.csv, path: path, label: label, group: group, split: split, labels: [low, high], LICENCE}
  splits: [test]
conditions:
  - clean
  - {corruption: white_noise, parameters: [20, -30], severities: [1, 2]}
  - {corruption: low_pass, parameters: [500, 300], severities: [1, 2]}
statistics: {draws: 0}
profile: false
"""


@pytest.fixture
def finished(tmp_path: Path, toy_table: pd.DataFrame, adapter_file):
    """Runs a toy suite whose data have a licence; gives what `keep` takes."""
    table = toy_table[["path", "label", "group", "device"]].assign(split="test")
    table.to_csv(tmp_path / "data" / "clips.csv", index=False)

    def run(licence: str = "licence: CC0-1.0", inject: str = "pass", name: str = "toy.py"):
        suite = tmp_path / "toy.yaml"
        suite.write_text(SUITE.replace("LICENCE", licence))
        settings = session.Settings(out=tmp_path / f"runs-{name}", data={"toy": tmp_path / "data"}, quiet=True)
        prepared = session.prepare(load_suite(str(suite)), str(adapter_file(inject, name)), {}, settings)
        return prepared, session.run(prepared, settings, {}).result

    return run


def test_chosen_clips_are_right_when_clean_and_wrong_perturbed(finished):
    prepared, result = finished()
    assert keep(prepared, result, 4) is None
    found = read_listening(prepared.folder)
    assert 1 <= len(found.clips) <= 4 and {clip.why for clip in found.clips} <= {"worst drop", "flipped"}
    table = read_units(sorted((prepared.folder / "predictions").glob("*.parquet"))).table
    for clip in found.clips:
        clean, perturbed, *_ = clip.sounds
        assert clean.output == clip.label != perturbed.output
        row = table[(table["clip_id"] == clip.clip_id) & (table["cell"] == clip.cell) & (table["draw"] == 0)]
        assert row["prediction"].iloc[0] == perturbed.output


def test_predictions_that_are_at_hand_choose_the_same_clips_and_are_not_read_again(finished, monkeypatch):
    prepared, result = finished()
    keep(prepared, result, 4)
    read = read_listening(prepared.folder)
    paths = sorted((prepared.folder / "predictions").glob("*.parquet"), reverse=True)
    stored = PredictionsByCell(paths)
    stored.of()
    for cell in result.cells:
        stored.of(cell.key)
    monkeypatch.setattr("benchbed.predictions.by_cell.read_units", lambda *_: pytest.fail("it was read again"))
    keep(prepared, result, 4, (), stored)
    assert read_listening(prepared.folder) == read and len(read.clips) > 1


@pytest.mark.parametrize("most", [0, 2**20])
def test_a_run_holds_its_predictions_until_its_page_if_there_are_few(finished, monkeypatch, most):
    monkeypatch.setattr(session, "HELD_BYTES", most)
    seen = []
    run = session.run
    monkeypatch.setattr(session, "run", lambda *given: seen.append(run(*given)) or seen[-1])
    finished()
    assert (seen[0].stored is not None) == (most > 0)


def test_the_sounds_are_the_clip_and_the_perturbed_clip(finished, tmp_path):
    prepared, result = finished()
    keep(prepared, result, 2)
    clip = next(c for c in read_listening(prepared.folder).clips if "white_noise" in c.cell)
    folder = prepared.folder / "listen"
    original, _ = soundfile.read(tmp_path / "data" / Path(clip.clip_id).name)
    clean, rate = soundfile.read(folder / clip.sounds[0].audio)
    assert rate == clip.sample_rate == 8000
    # MP3 shifts a sound by its encoder's delay: compare spectra, in which a shift does not show.
    spectra = [np.abs(np.fft.rfft(sound, 4096)) for sound in (original, clean)]
    assert np.corrcoef(*spectra)[0, 1] > 0.95
    perturbed, _ = soundfile.read(folder / clip.sounds[1].audio)
    flat = [np.exp(np.mean(np.log(s + 1e-9))) / np.mean(s) for s in (spectra[1], np.abs(np.fft.rfft(perturbed, 4096)))]
    # Geometric over arithmetic mean of Rayleigh magnitudes: √2 exp(−γ/2) / √(π/2) = 0.846 for white noise.
    assert flat[0] < 0.6 and flat[1] > 0.7


def test_disagreements_name_the_other_model(finished):
    prepared, result = finished()
    other, _ = finished(inject="low = low * 0 if batch.waveforms.size else low", name="deaf.py")
    assert keep(prepared, result, 6, [("deaf", other.folder)]) is None
    clips = [c for c in read_listening(prepared.folder).clips if c.why == "disagreement"]
    assert clips and all(c.other == "deaf" for c in clips)
    (sound,) = clips[0].sounds
    assert sound.output == clips[0].label != sound.other_output


@pytest.mark.parametrize("licence", ["licence: all rights reserved", "version: '1'"])
def test_data_whose_licence_does_not_allow_it_are_kept_silent(finished, licence):
    prepared, result = finished(licence)
    assert "licence" in keep(prepared, result, 4)
    assert read_listening(prepared.folder) is None and not (prepared.folder / "listen").exists()


def test_the_page_embeds_what_is_there_and_asking_for_none_removes_it(finished):
    prepared, result = finished()
    keep(prepared, result, 2)
    held = page.read(prepared.folder)
    assert len(held.clips) == 2 and held.left_out == 0
    assert held.clips[0].sounds[0].audio.startswith("data:audio/mpeg;base64,")
    keep(prepared, result, 0)
    assert page.read(prepared.folder) is None and list((prepared.folder / "listen").iterdir()) == []


def test_a_libsndfile_that_writes_no_mp3_is_said_on_the_page_and_tried_again(finished, monkeypatch):
    prepared, result = finished()
    said: list[str] = []

    def refused(*given, **named):
        raise ValueError("Unknown format: 'MP3'")

    monkeypatch.setattr(soundfile, "write", refused)
    assert keep(prepared, result, 4, (), None, said.append) is None
    found = read_listening(prepared.folder)
    assert not found.clips and all("libsndfile" in one and "writes no such MP3" in one for one in found.lacking)
    assert len(said) == 1 and page.read(prepared.folder).about.lacking == found.lacking
    assert "Sounds that could not be kept" in report_html(result, clips=page.read(prepared.folder))
    Journal(prepared.folder).write("listening", basis="b")
    assert not lies_there(prepared.folder, {"basis": "b"})
    monkeypatch.undo()
    keep(prepared, result, 4)
    assert read_listening(prepared.folder).lacking is None and lies_there(prepared.folder, {"basis": "b"})

"""Units whose noise is added in the spectrum: the waveform path's answers up to rounding, own keys, and refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import benchbed as bb
from benchbed.errors import AdapterError, ConfigError
from benchbed.perturb import CORRUPTIONS, resolve
from benchbed.perturb.contract import AddedNoise, Context
from benchbed.run.computing import inspectrum
from benchbed.run.computing.engine import Engine
from benchbed.run.computing.whole import Clip
from benchbed.run.executing.unit import compute
from benchbed.run.preparing.units import cut
from benchbed.suite.model import Suite
from benchbed.suite.plan import plan_cells

CONDITIONS = ["clean", {"corruption": "white_noise", "draws": 2}, {"corruption": "gain"}, {"corruption": "background"}]
MODEL = """
import torch
from benchbed.adapter import Card, TorchAdapter
from benchbed.adapter.frontend import LogMel

class Toy(TorchAdapter):
    card = Card(name="toy", family="other", output="scene", labels=("low", "high"), sample_rate=RATE, EXTRA)
    def build(self):
        return torch.nn.ModuleDict({"front": LogMel(8000, 8, n_fft=256, hop_length=80, power=POWER)})
    def forward(self, waveforms):
        mels = self.model["front"](waveforms)
        return torch.stack([mels[:, :4].mean((1, 2)), mels[:, 4:].mean((1, 2))], 1) / 10THEN
"""


@pytest.fixture
def job_of(toy_job, tmp_path):
    """A job with a model that has a log-mel front end."""

    def made(extra="", rate=8000, more="", power=2, then="", conditions=CONDITIONS, **changes):
        path = tmp_path / "mel_toy.py"
        path.write_text(
            MODEL.replace("RATE", str(rate)).replace("EXTRA", extra).replace("POWER", str(power)).replace("THEN", then)
            + more
        )
        return replace(toy_job(conditions=conditions), recipe=(str(path), {}), **changes)

    return made


def units(job):
    suite = Suite(name="s", version="1", task="scene", data={"layout": "folder"}, conditions=job.conditions)
    return cut(job, plan_cells(suite), seconds={"test": 20.0}, digests={}, models={"test": {"m": 1}})


def computed(job):
    return [compute(Engine(job), unit) for unit in units(job)]


def test_answers_are_those_of_the_waveform_up_to_rounding(job_of):
    host, spectrum = computed(job_of()), computed(job_of(in_spectrum=True))
    for one, other in zip(host, spectrum, strict=True):
        assert not one.failures and not other.failures
        for name in ("clip_id", "cell", "draw", "achieved", "skipped", "note", "padded", "cropped", "resampled"):
            left, right = (np.asarray(each.columns[name]) for each in (one, other))
            assert np.array_equal(left, right, equal_nan=left.dtype.kind == "f")
    apart = [np.abs(one.scores - other.scores).max() for one, other in zip(host, spectrum)]
    assert apart[0] == apart[2] == 0  # clean, and a gain that is rounded to 16 bits
    assert 0 < apart[1] < 1e-5 and 0 < apart[3] < 1e-5


def test_units_made_there_have_names_of_their_own_and_no_others(job_of):
    host, spectrum, device = units(job_of()), units(job_of(in_spectrum=True)), units(job_of(on_device=True))
    same = [one.id == other.id for one, other in zip(host, spectrum, strict=True)]
    assert same == [one.loose == other.loose for one, other in zip(host, spectrum)] == [True, False, True, False]
    assert spectrum[1].id != device[1].id


def test_a_clip_is_transformed_once_for_all_conditions_and_its_noise_once_for_all_severities(job_of, monkeypatch):
    from benchbed.adapter.frontend import LogMel

    calls, spectra = [], LogMel.spectra
    monkeypatch.setattr(LogMel, "spectra", lambda self, waves: calls.append(1) or spectra(self, waves))
    job = job_of(in_spectrum=True)
    engine, made = Engine(job), units(job)
    clips = made[0].stop
    for unit in made:
        compute(engine, unit)
    assert len(calls) == clips * (1 + 2 + 1)  # itself, two draws of white noise, one of background


def test_the_model_gets_its_batches_whatever_is_made_in_a_row(job_of, monkeypatch):
    from benchbed.adapter.cutting import CutModel

    job, asked, behind = job_of(in_spectrum=True, batch_size=4), [], CutModel.behind
    monkeypatch.setattr(
        CutModel, "behind", lambda self, given, samples: asked.append(len(given)) or behind(self, given, samples)
    )
    made = []
    for batches in (1, 3):
        monkeypatch.setattr(inspectrum, "BATCHES", batches)
        asked.clear()
        made.append((computed(job), [*asked]))
    assert made[0][1] == made[1][1] and max(made[0][1]) == 4
    for one, other in zip(made[0][0], made[1][0], strict=True):
        assert np.array_equal(one.scores, other.scores)


def test_a_gain_is_no_factor_of_the_spectrum():
    """It is rounded as a 16-bit file is, so that it is made of the waveform."""
    wave = np.rint(3000 * np.random.default_rng(0).standard_normal((1, 8000))).astype(np.float32) / np.float32(32768)
    gain = resolve("gain")
    state = gain.prepare(wave, 8000, np.random.default_rng(0), Context())
    for value in gain.parameters:
        error = gain.apply(state, value).waveform - wave * np.float32(10 ** (value / 20))
        assert 2.0**-17 < np.abs(error).max() <= 2.0**-16 * 1.001


def test_silent_clips_are_left_alone_and_told_as_ever(job_of, monkeypatch):
    from benchbed.run.computing import whole

    decode = whole.decode
    calls = []

    def silenced(*args):
        clip = decode(*args)
        calls.append(1)
        return replace(clip, waveform=clip.waveform * 0, silent=True, peak=0.0) if len(calls) % 3 == 1 else clip

    monkeypatch.setattr("benchbed.run.computing.shared.decode", silenced)
    host = computed(job_of())
    calls.clear()
    spectrum = computed(job_of(in_spectrum=True))
    assert "silent" in list(host[1].columns["skipped"])
    for name in ("skipped", "achieved"):
        assert list(map(str, host[1].columns[name])) == list(map(str, spectrum[1].columns[name]))
    assert np.abs(host[1].scores - spectrum[1].scores).max() < 1e-5


def test_noise_too_soft_for_the_waveform_reached_nothing():
    """Whether a float32 sum leaves every sample as it was, without adding where that is plain."""
    random = np.random.default_rng(0)
    wave, noise = (random.standard_normal((1, 500)).astype(np.float32) for _ in range(2))
    clip = Clip(wave, 8000, False, False, float(np.abs(wave).max()))
    for gain in 10.0 ** np.arange(-14, 1):
        same = np.array_equal(wave + np.float32(gain) * noise, wave)
        assert inspectrum.nothing_came_of(AddedNoise(noise, float(gain)), clip) == same


@pytest.mark.parametrize("name", [name for name in CORRUPTIONS.names() if inspectrum.adds_noise(name)])
def test_what_a_noise_says_it_adds_is_all_that_it_does(name):
    random = np.random.default_rng(0)
    channels = 4 if name in ("diffuse_noise", "directional_noise") else 1
    wave = (0.1 * random.standard_normal((channels, 8000))).astype(np.float32)
    other = (0.1 * random.standard_normal((channels, 8000))).astype(np.float32)
    corruption = resolve(name)
    context = Context(others=lambda rng, count: [other], options={"array": "foa"})
    state = corruption.prepare(wave, 8000, random, context)
    for value in corruption.parameters:
        applied, added = corruption.apply(state, value), corruption.added_noise(state, value)
        if applied.skipped is not None:
            assert added == applied.skipped
            continue
        np.testing.assert_allclose(wave + added.gain * added.noise, applied.waveform, atol=1e-6)
        assert (added.achieved, added.note) == (applied.achieved, applied.note)


def test_what_does_more_than_adding_noise_is_not_asked():
    assert {"white_noise", "pink_noise", "background", "babble"} <= set(
        filter(inspectrum.adds_noise, CORRUPTIONS.names())
    )
    assert not any(map(inspectrum.adds_noise, ("gain", "clipping", "bit_depth", "mp3", "low_pass", "reverb")))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"power": 1}, "takes magnitudes"),
        ({"then": " + waveforms.std((1, 2))[:, None]"}, "no log-mel"),
        (
            {"more": "\n    def predict(self, batch):\n        return super().predict(batch) + 1\n"},
            "not what its forward",
        ),
        ({"extra": "side_information=('device',)"}, "audio alone"),
        ({"windows": (0.5, 0.25)}, "hears clips in windows"),
    ],
    ids=["magnitudes", "looks past its front end", "own predict", "side information", "windows"],
)
def test_models_of_which_no_sum_is_the_whole_are_refused(job_of, words, why):
    with pytest.raises(AdapterError, match=f"cannot be added in the spectrum of toy: .*{why}") as caught:
        computed(job_of(in_spectrum=True, **words))
    assert "--corruptions host" in str(caught.value.hint)


@pytest.mark.parametrize(("extra", "rate"), [("", 16000), ("clip_seconds=1.0", 8000)], ids=["rate", "length"])
def test_clips_that_would_be_converted_are_refused(job_of, extra, rate):
    with pytest.raises(ConfigError, match="hears it in another form"):
        computed(job_of(extra, rate, in_spectrum=True))


def test_a_run_says_where_its_noise_was_made(repository, tmp_path):
    suite = {
        "extends": ["dcase_task1"],
        "name": "few",
        "version": "1",
        "audio": {"sample_rate": 32000},
        "conditions": ["clean", {"corruption": "white_noise", "parameters": [20, 0]}],
    }
    model, runs = str(repository / "adapters" / "cnn.py"), {}
    for place in ("host", "spectrum"):
        runs[place] = bb.run(suite, model, corruptions=place, limit=12, out=tmp_path / place, report=False)
    assert [run.result.provenance.corruptions for run in runs.values()] == ["host", "spectrum"]
    # On one board, and in one folder of runs, they are two rows.
    assert [run.result.model.name for run in runs.values()] == ["cnn", "cnn[corruptions=spectrum]"]
    assert [run.path.name for run in runs.values()] == ["cnn", "cnn-corruptions=spectrum"]
    assert runs["spectrum"].reused == (0, 2)
    for one, other in zip(*(run.result.cells for run in runs.values()), strict=True):
        assert one.metrics["macro_accuracy"].value == other.metrics["macro_accuracy"].value
        assert one.metrics["log_loss"].value == pytest.approx(other.metrics["log_loss"].value, rel=1e-5)
    with pytest.raises(AdapterError, match="no log-mel front end"):
        bb.run(suite, str(repository / "adapters" / "mcnn.py"), corruptions="spectrum", limit=4, out=tmp_path)
    with pytest.raises(ConfigError, match="corruptions='cloud'"):
        bb.run(suite, model, corruptions="cloud", out=tmp_path)

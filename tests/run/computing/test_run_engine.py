"""Units of work: right predictions, and every way in which a clip or an adapter can fail."""

from __future__ import annotations

import dataclasses
import pickle
import weakref

import numpy as np
import pytest
import soundfile

from benchbed.code import Closure
from benchbed.errors import AdapterError, AudioError
from benchbed.run.computing import perturbed
from benchbed.run.computing.engine import Engine
from benchbed.run.executing.unit import compute
from benchbed.run.preparing.units import cut
from benchbed.suite.model import Suite
from benchbed.suite.plan import plan_cells


def units(job, **changes):
    suite = Suite(name="s", version="1", task="scene", data={"layout": "folder"}, conditions=job.conditions)
    facts = {"seconds": {"test": 20.0}, "digests": {}, "models": {"test": {"m": 1}}, **changes}
    return cut(job, plan_cells(suite), **facts)


def outputs(job):
    made = [compute(Engine(job), unit) for unit in units(job)]
    assert len(made) == 1
    return made[0]


def test_predictions_carry_every_column_and_are_right(toy_job):
    made = outputs(toy_job())
    assert made.labels == ("low", "high")
    assert made.columns["clip_id"][:2] == ["toy/00.wav", "toy/01.wav"]
    assert made.columns["device"][-1] == "b"
    assert made.columns["source_draw"][3] == 3, "a metadata column may be called like one of benchbed's own"
    assert (np.array(made.labels)[made.scores.argmax(1)] == np.array(made.columns["label"])).all()
    assert np.allclose(made.scores.sum(1), 1, atol=1e-6)
    assert not made.failures


def test_predictions_do_not_depend_on_process_or_repetition(toy_job):
    job = toy_job()
    first, again = outputs(job), outputs(pickle.loads(pickle.dumps(job)))
    assert (first.scores == again.scores).all()


def test_an_adapter_never_sees_labels_or_names(toy_job):
    made = outputs(
        toy_job("assert set(vars(batch)) == {'waveforms', 'lengths', 'sample_rate', 'side'} and not batch.side")
    )
    assert not made.failures


@pytest.mark.parametrize(
    ("inject", "words"),
    [
        ("return np.zeros((len(batch), 3), np.float32)", "expected float [16, 2]"),
        ("return np.zeros((1, 2), np.float32)", "returned float32 [1, 2]"),
        ("return np.zeros((len(batch), 2), np.int64)", "returned int64"),
        ("return np.zeros(len(batch), np.float32)", "returned float32 [16]"),
    ],
)
def test_a_broken_contract_stops_the_run(toy_job, inject, words):
    with pytest.raises(AdapterError) as caught:
        outputs(toy_job(inject))
    assert words in str(caught.value)


def test_a_clip_that_makes_the_adapter_raise_is_alone_to_fail(toy_job):
    # The 10th clip is silent in this job; only it makes the adapter raise.
    job = toy_job("assert low.min() > 1e-6, 'too quiet'")
    soundfile.write(job.root / "09.wav", np.zeros(4000), 8000)
    made = outputs(job)
    assert [f["clip_id"] for f in made.failures] == ["toy/09.wav"]
    assert made.failures[0]["stage"] == "predict"
    assert "too quiet" in made.failures[0]["message"]
    assert len(made) == 39


def test_nan_scores_are_failures_of_their_clips(toy_job):
    job = toy_job("low = np.where(low < 1e-6, np.nan, low)")
    soundfile.write(job.root / "05.wav", np.zeros(4000), 8000)
    made = outputs(job)
    assert [(f["clip_id"], f["stage"]) for f in made.failures] == [("toy/05.wav", "predict")]
    assert np.isfinite(made.scores).all()


@pytest.mark.parametrize("in_a_row", [1, 8])
def test_failures_stand_in_the_order_of_their_clips_and_the_first_one_counts(toy_job, monkeypatch, in_a_row):
    """A score that is no number may be found once the model has answered a few more batches."""
    monkeypatch.setattr(perturbed, "MOST_IN_A_ROW", in_a_row)
    unsound = "low = np.where(low < 1e-6, np.nan, low)"
    job = toy_job(f"assert batch.waveforms.max() < 0.9, 'too loud'; {unsound}", batch_size=8)
    soundfile.write(job.root / "05.wav", np.zeros(4000), 8000)
    soundfile.write(job.root / "30.wav", np.full(4000, 0.95), 8000)
    made = outputs(job)
    assert [failure["clip_id"] for failure in made.failures] == ["toy/05.wav", "toy/30.wav"]
    assert len(made) == 38 and "toy/31.wav" in made.columns["clip_id"]
    broken = f"if batch.waveforms.max() > 0.9: return np.zeros(3, np.float32)\n        {unsound}"
    job = toy_job(broken, batch_size=8, fail_fast=True)
    for name, level in (("05", 0.0), ("30", 0.95)):
        soundfile.write(job.root / f"{name}.wav", np.full(4000, level), 8000)
    with pytest.raises(AudioError, match="NaN") as caught:
        outputs(job)
    assert "05.wav" in str(caught.value)


def test_fail_fast_asks_a_model_that_raised_nothing_more(toy_job, tmp_path):
    told = tmp_path / "told.txt"
    asked = f"open({str(told)!r}, 'a').write(f'{{len(batch)}} '); assert low.min() > 1e-6, 'too quiet'"
    job = toy_job(asked, batch_size=8, fail_fast=True)
    soundfile.write(job.root / "09.wav", np.zeros(4000), 8000)
    with pytest.raises(AudioError, match="too quiet"):
        outputs(job)
    assert told.read_text().split() == ["8", "8", "1", "1"], "a batch, one that fails, and its clips up to the one"


def test_fail_fast_asks_a_model_whose_score_is_no_number_nothing_more(toy_job, tmp_path):
    told = tmp_path / "told.txt"
    asked = f"open({str(told)!r}, 'a').write(f'{{len(batch)}} '); low = np.where(low < 1e-6, np.nan, low)"
    job = toy_job(asked, batch_size=8, fail_fast=True)
    soundfile.write(job.root / "09.wav", np.zeros(4000), 8000)
    with pytest.raises(AudioError, match="NaN") as caught:
        outputs(job)
    assert "09.wav" in str(caught.value) and told.read_text().split() == ["8", "8"], "the batch before, and its own"


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not audio at all, just text"])
def test_an_unreadable_file_is_counted(toy_job, content):
    job = toy_job()
    (job.root / "07.wav").write_bytes(content)
    made = outputs(job)
    assert [(f["clip_id"], f["stage"]) for f in made.failures] == [("toy/07.wav", "decode")]
    assert len(made) == 39


def test_fail_fast_stops_with_the_clip(toy_job):
    job = toy_job(fail_fast=True)
    (job.root / "07.wav").unlink()
    with pytest.raises(AudioError) as caught:
        outputs(job)
    assert "07.wav" in str(caught.value) and "--fail-on-error" in str(caught.value)


def test_a_path_outside_the_root_is_refused(toy_job, toy_table):
    table = toy_table.assign(path=["../secret.wav", *toy_table["path"][1:]])
    made = outputs(toy_job(table=table))
    assert "leaves the dataset" in made.failures[0]["message"]


def test_every_change_of_the_audio_is_noted(toy_job):
    job = toy_job()
    soundfile.write(job.root / "00.wav", np.zeros((4000, 2)), 8000)
    soundfile.write(job.root / "01.wav", np.ones(8000) * 0.1, 16000)
    made = outputs(job)
    row = {clip: i for i, clip in enumerate(made.columns["clip_id"])}
    assert made.columns["silent"][row["toy/00.wav"]] and made.columns["remixed"][row["toy/00.wav"]]
    assert made.columns["resampled"][row["toy/01.wav"]]
    assert sum(made.columns["remixed"]) == sum(made.columns["resampled"]) == sum(made.columns["silent"]) == 1


def test_the_level_of_every_clip_is_noted(toy_job):
    job = toy_job()
    soundfile.write(job.root / "00.wav", np.full(8000, -12000.0), 8000, subtype="FLOAT")
    made = outputs(job)
    peaks = dict(zip(made.columns["clip_id"], made.columns["peak"]))
    assert peaks["toy/00.wav"] == 12000 and max(v for k, v in peaks.items() if k != "toy/00.wav") <= 1


def test_a_clip_that_a_corruption_falls_over_is_a_failed_clip(toy_job, monkeypatch):
    from benchbed.perturb.corruptions.white_noise import CORRUPTION

    def begin(self, waveform, sample_rate, rng, context):
        if waveform.shape[1] == 3000:
            raise ZeroDivisionError("division by zero")
        return sound(self, waveform, sample_rate, rng, context)

    sound = type(CORRUPTION).begin
    monkeypatch.setattr(type(CORRUPTION), "begin", begin)
    job = toy_job(conditions=[{"corruption": "white_noise", "severities": [1]}])
    soundfile.write(job.root / "00.wav", np.full(3000, 0.1), 8000)
    failures = outputs(job).failures
    assert [(f["clip_id"], f["stage"]) for f in failures] == [("toy/00.wav", "perturb")]
    assert "ZeroDivisionError" in failures[0]["message"]


def test_a_severity_was_reached_wherever_in_the_clip_something_came_of_it(toy_job, monkeypatch):
    from benchbed.perturb.contract import Applied
    from benchbed.perturb.corruptions.gain import CORRUPTION

    def at(self, state, parameter):
        out = state.waveform.copy()
        if parameter < -6:
            out[0, -1] += 0.01
        return Applied(out, achieved=parameter)

    monkeypatch.setattr(type(CORRUPTION), "at", at)
    made = outputs(toy_job(conditions=[{"corruption": "gain", "severities": [1, 2]}]))
    achieved = made.columns["achieved"].reshape(-1, 2)
    assert np.isnan(achieved[:, 0]).all() and (achieved[:, 1] == -12).all()


@pytest.mark.parametrize("condition", [{"corruption": "low_pass"}, {"corruption": "reverb", "draws": 2}])
def test_clips_that_are_filtered_together_are_heard_as_alone(toy_job, monkeypatch, condition):
    from benchbed.perturb.filtering import Filtering

    job = toy_job(conditions=[condition])
    soundfile.write(job.root / "02.wav", np.random.default_rng(0).normal(0, 0.1, 3000), 8000)
    (job.root / "07.wav").write_bytes(b"not audio")
    together = outputs(job)
    monkeypatch.setattr(Filtering, "together", 1)
    alone = outputs(job)
    assert (together.scores == alone.scores).all() and len(together) == len(alone) > 100
    assert together.columns["clip_id"] == alone.columns["clip_id"]
    assert [failure["clip_id"] for failure in together.failures] == ["toy/07.wav"] * len(together.failures)
    assert together.failures == alone.failures


def test_clips_ahead_are_prepared_once_and_fail_in_their_turn(toy_job, monkeypatch):
    from benchbed.perturb.corruptions.high_pass import CORRUPTION

    def begin(self, waveform, sample_rate, rng, context):
        asked.append(waveform.shape[1])
        if waveform.shape[1] == 3000:
            raise ZeroDivisionError("division by zero")
        return sound(self, waveform, sample_rate, rng, context)

    sound, asked = type(CORRUPTION).begin, list[int]()
    monkeypatch.setattr(type(CORRUPTION), "begin", begin)
    job = toy_job(conditions=[{"corruption": "high_pass", "severities": [1, 2]}])
    soundfile.write(job.root / "02.wav", np.full(3000, 0.1), 8000)
    made = outputs(job)
    assert {failure["clip_id"] for failure in made.failures} == {"toy/02.wav"}
    assert len(made) == 2 * 39 and len(asked) == 39 + 2, "the one that fails, ahead and in its turn"


@pytest.mark.parametrize(("most_bytes", "batches"), [(0, 1), (3 * 8 * 4 * 4000, 3), (2**30, 8)])
def test_perturbed_audio_is_let_go_when_the_model_has_answered(toy_job, monkeypatch, most_bytes, batches):
    from benchbed.perturb.corruptions.gain import CORRUPTION

    kept, most = [], 0

    def at(self, state, parameter):
        nonlocal most
        made = sound(self, state, parameter)
        kept.append(weakref.ref(made.waveform))
        most = max(most, sum(one() is not None for one in kept))
        return made

    sound = type(CORRUPTION).at
    monkeypatch.setattr(type(CORRUPTION), "at", at)
    monkeypatch.setattr(perturbed, "MOST_IN_A_ROW_BYTES", most_bytes)
    made = outputs(toy_job(conditions=[{"corruption": "gain"}], batch_size=8))
    assert len(made) == len(kept) == 200
    assert 8 * batches <= most <= 8 * batches + 5, "batches in a row, and a clip that is being perturbed"
    assert not any(one() is not None for one in kept)


def test_clips_of_different_length_never_share_a_batch(toy_job):
    job = toy_job("assert (batch.lengths == batch.waveforms.shape[2]).all()")
    soundfile.write(job.root / "02.wav", np.random.default_rng(0).normal(0, 0.1, 1000), 8000)
    assert not outputs(job).failures


def test_a_unit_is_named_by_everything_it_depends_on(toy_job, toy_table):
    job = toy_job()
    base = units(job)[0].id
    assert units(job)[0].id == base
    changed = {
        "seed": units(dataclasses.replace(job, seed=1)),
        "batch": units(dataclasses.replace(job, batch_size=8)),
        "threads": units(dataclasses.replace(job, threads=2)),
        "device": units(dataclasses.replace(job, device="cuda")),
        "rate": units(dataclasses.replace(job, audio_rate=4000)),
        "labels": units(dataclasses.replace(job, labels=("high", "low"))),
        "clips": units(dataclasses.replace(job, clips={"test": toy_table.iloc[1:]})),
        "content": units(job, digests={"00.wav": "x"}),
        "model": units(job, models={"test": {"m": 2}}),
    }
    names = [made[0].id for made in changed.values()]
    assert len({base, *names}) == len(names) + 1


def test_the_version_of_the_code_is_in_the_strict_name_only(toy_job, monkeypatch):
    job = toy_job()
    before = units(job)[0]
    monkeypatch.setattr("benchbed.run.preparing.units.closure", lambda *roots, **_: Closure({"benchbed": "other code"}))
    after = units(job)[0]
    assert before.id != after.id and before.loose == after.loose


BUFFERED = """
if not hasattr(self, "buffer"):
            self.buffer = np.empty((64, 2), np.float32)
        self.buffer[: len(batch)] = np.log(np.stack([low, high], 1) + 1e-9)
        batch.waveforms[:] = 0
        return self.buffer[: len(batch)]
""".strip()


def test_a_model_that_answers_in_one_buffer_is_scored_as_any_other(toy_job):
    assert (outputs(toy_job(BUFFERED)).scores == outputs(toy_job()).scores).all()

"""Attacks inside a run: which clips, what is stored of them, and that it can be resumed."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed.errors import ConfigError


def test_rows_hold_the_flags_that_figures_are_made_of(attacked):
    rows, _, _ = attacked({"attack": "fast", "budgets": [40, 0, -10], "n": 12, "steps": 15})
    assert len(rows) == 36
    assert {
        "attacked",
        "clean_correct",
        "noise_correct",
        "robust",
        "broken_by",
        "broken_step",
        "margin",
        "snr",
        "linf",
        "nmr",
        "snr_segmental",
        "snr_a",
        "peak_db",
        "audible",
        "carried",
    } <= set(rows)
    assert ((rows["margin"] > 0) == rows["robust"])[rows["clean_correct"]].all()
    assert rows["broken_by"].isna().tolist() == rows["robust"].tolist()
    by_clip = rows.groupby("clip_id")["robust"].apply(list)
    assert all(flags == sorted(flags, reverse=True) for flags in by_clip)
    last = rows[rows["cell"].str.endswith("-10dB")]
    assert not last["robust"].any()
    assert (
        rows.loc[rows["attacked"], "snr"]
        >= rows["cell"].str.extract(r":(-?\d+)dB")[0].astype(float)[rows["attacked"]] - 0.01
    ).all()


def test_flags_do_not_depend_on_batch_size_or_on_the_other_clips(attacked):
    condition = {"attack": "apgd", "budgets": [5, 0], "n": 12, "steps": 15, "options": {"loss": "margin"}}
    one, _, _ = attacked(condition, batch_size=1)
    many, _, _ = attacked(condition, batch_size=16)
    few, _, _ = attacked({**condition, "n": 6}, batch_size=16)
    flags = [rows.set_index(["clip_id", "cell"])["robust"] for rows in (one, many, few)]
    assert flags[0].sort_index().equals(flags[1].sort_index())
    assert flags[1].loc[flags[2].index].equals(flags[2])


def test_a_silent_clip_has_no_level_to_set_an_snr_against(attacked, toy_table, tmp_path):
    import soundfile

    soundfile.write(tmp_path / "data" / "00.wav", np.zeros(2000), 8000)
    rows, _, _ = attacked({"attack": "fgsm", "budgets": [20], "n": 36})
    silent = rows[rows["clip_id"] == "toy/00.wav"].iloc[0]
    assert not silent["attacked"] and silent["silent"]
    if silent["clean_correct"]:
        assert "silent" in silent["skipped"]


def test_audio_of_the_wanted_clips_is_kept_exactly(attacked):
    rows, _, _ = attacked({"attack": "fgsm", "budgets": [10], "n": 12, "keep": 3})
    kept = rows[rows["audio_attacked"].notna()]
    assert len(kept) == 3
    for row in kept.itertuples():
        clean, attack = (np.frombuffer(b, "<f4") for b in (row.audio_clean, row.audio_attacked))
        added = attack.astype(float) - clean
        assert 10 * np.log10((clean.astype(float) ** 2).sum() / (added**2).sum()) == pytest.approx(row.snr, abs=1e-6)


def test_a_perturbation_kept_inaudible_stays_below_the_mask(attacked):
    condition = {"attack": "apgd", "budgets": [0], "n": 6, "steps": 10}
    free, _, _ = attacked(condition)
    quiet, _, _ = attacked({**condition, "audibility": {"max_nmr": 0.0}})
    assert quiet["cell"].iat[0] == "scene/test/apgd@l2+nmr:0dB"
    assert free.loc[free["attacked"], "audible"].mean() > 0.5
    assert quiet.loc[quiet["attacked"], "nmr"].max() < 0.5
    assert quiet["snr"].mean() > free["snr"].mean()
    # What is kept inaudible is bounded: that clips survive it says nothing against the attack.
    faint, checks, _ = attacked({**condition, "audibility": {"max_nmr": -40.0}})
    assert faint.loc[faint["attacked"], "robust"].any() and checks["unbounded"].status == "pass"


def test_a_run_that_is_continued_has_the_same_rows(toy_job):
    from benchbed.run.computing.engine import Engine
    from benchbed.run.executing.unit import compute
    from benchbed.run.preparing.units import cut
    from benchbed.suite.model import Suite
    from benchbed.suite.plan import plan_cells

    condition = {"attack": "fast", "budgets": [10, 0], "n": 36, "steps": 5}
    suite = Suite(name="s", version="1", task="scene", data={"layout": "folder"}, conditions=[condition])
    job = toy_job(condition)
    units = cut(job, plan_cells(suite), {"test": 9.0}, {}, {"test": {}})
    assert [len(unit.rows) for unit in units] == [32, 4]
    straight = Engine(job)
    first = [compute(straight, unit) for unit in units]
    resumed = compute(Engine(job), units[1])
    assert np.array_equal(first[1].scores, resumed.scores)
    assert first[1].columns["broken_step"] == resumed.columns["broken_step"]
    assert first[0].info["attack"]["facts"] and resumed.info["attack"]["cell"] == units[1].cells[0].key


def test_transfer_uses_the_other_models_and_names_them(attacked, adapter_file):
    other = adapter_file(before="x = torch.nn.functional.avg_pool1d(x, 3, 1, 1)", name="other")
    rows, checks, _ = attacked(
        {"attack": "transfer", "budgets": [0, -10], "n": 12, "options": {"steps": 10}, "sources": [str(other)]}
    )
    broken = rows.loc[~rows["robust"], "broken_by"]
    assert len(broken) and set(broken) == {"transfer:other"}
    assert checks["budget"].status == "pass"


def test_every_source_meets_every_clip_and_the_worst_of_them_counts(attacked, adapter_file):
    near = adapter_file(before="x = torch.nn.functional.avg_pool1d(x, 3, 1, 1)", name="near")
    far = adapter_file(before="x = torch.nn.functional.avg_pool1d(x, 41, 1, 20)", name="far")
    asked = {"attack": "transfer", "budgets": [0, -10], "n": 12, "options": {"steps": 10}}
    both, checks, _ = attacked({**asked, "sources": [str(near), str(far)]})
    assert checks["agreement"].status == "pass" and checks["budget"].status == "pass"
    for name, spec in (("near", near), ("far", far)):
        alone, _, _ = attacked({**asked, "sources": [str(spec)]})
        tried = alone["attacked"].to_numpy(bool)
        assert alone["clip_id"].tolist() == both["clip_id"].tolist() and tried.any()
        assert (both[f"withstood:{name}"].to_numpy()[tried] == alone["robust"].to_numpy()[tried]).all()
    tried = both["attacked"].to_numpy(bool)
    held = both["withstood:near"].to_numpy()[tried] & both["withstood:far"].to_numpy()[tried]
    assert (both["robust"].to_numpy()[tried] == held).all()


def test_a_universal_perturbation_is_fitted_and_scored_inside_a_run(attacked):
    rows, checks, _ = attacked({"attack": "universal", "budgets": [0], "n": 9, "options": {"passes": 5}})
    assert len(rows) == 9 and checks["budget"].status == "pass"
    assert rows["snr"].to_numpy() == pytest.approx(0.0, abs=0.01)
    assert rows["shifted_correct"].between(0, 1).all()


def test_a_model_that_needs_more_than_audio_is_refused(attacked, adapter_file):
    with pytest.raises(ConfigError, match="more than audio"):
        attacked(
            {"attack": "fgsm", "budgets": [20], "n": 3},
            adapter=adapter_file(card=', side_information=("device",)'),
            side=("group",),
        )


def test_white_box_alone_is_refused_on_a_closed_model(attacked, adapter_file):
    closed = adapter_file(
        extra="""
    forward = None
    def predict(self, batch):
        with torch.no_grad():
            return self.model(torch.from_numpy(batch.waveforms)).numpy()
"""
    )
    with pytest.raises(ConfigError, match="differentiable"):
        attacked({"attack": "apgd", "budgets": [20], "n": 3}, adapter=closed)


def test_a_budget_attacked_alone_does_not_rest_on_the_others_of_the_suite(attacked):
    """Carried from milder budgets, a clip stays broken where the attack at this budget would not break it."""
    condition = {"attack": "apgd", "budgets": [0, -6, -12], "n": 12, "steps": 8}
    apart, _, _ = attacked({**condition, "alone": True})
    assert not apart["carried"].any()
    for budget in condition["budgets"]:
        single, _, _ = attacked({**condition, "budgets": [budget]})
        mine = apart[apart["cell"].str.endswith(f":{budget}dB")].set_index("clip_id")["robust"]
        assert mine.sort_index().equals(single.set_index("clip_id")["robust"].sort_index())
    together, _, _ = attacked(condition)
    assert together["carried"].any()

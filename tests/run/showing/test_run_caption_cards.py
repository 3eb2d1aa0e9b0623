"""Cards of captions: which clips are shown, what noise adds, and the scores of every clip that lie beside the run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import benchbed as bb
from benchbed.errors import ConfigError
from benchbed.metrics.families.captions import family
from benchbed.results.captions import NAME, SCORES, read_captions, read_clips, write_clips
from benchbed.run.showing.kinds.caption import kept
from benchbed.run.showing.shelf import CellAnswers
from benchbed.suite.plan import CellPlan

GOLDEN = json.loads(
    (Path(__file__).parents[2] / "metrics" / "golden" / "captions_pycocoevalcap_1.2.json").read_text("utf-8")
)
CORPUS = next(one for one in GOLDEN["corpora"] if one["id"] == "random-30")


def cell(kind: str, said: list[str], truth: list[tuple[str, ...]], draws: int = 1) -> CellAnswers:
    key = "caption/test/clean" if kind == "clean" else "caption/test/white_noise@1"
    plan = CellPlan(key, "caption", "test", kind, "white_noise", None if kind == "clean" else 1, 0, draws)
    references = np.empty(len(truth), object)
    references[:] = truth
    names = np.array([f"set/{i // draws:02}.wav" for i in range(len(said))])
    return CellAnswers(plan, names, np.arange(len(said)) % draws, np.array(said, object), references)


@pytest.fixture
def cells() -> tuple[CellAnswers, CellAnswers]:
    """Thirteen clips, from no word in common to all words, and the same with a word that noise adds to every second."""
    words = "a dog barks while rain falls on the tin roof of an old house".split()  # noqa: SIM905
    truth = [(" ".join([*words[:i], *(f"x{i}y{k}" for k in range(13 - i))]), "a dog is there") for i in range(13)]
    said = [" ".join(words)] * 13
    noisy = [text + (" static" if i % 2 else "") for i, text in enumerate(said)]
    return cell("clean", said, truth), cell("corruption", noisy, truth)


def test_worst_typical_and_best_clips_are_shown(cells):
    clean, noisy = cells
    captions, _ = kept(family(stages="exact"), [clean, noisy], "cider_d", noisy.plan.key)
    (held,) = captions.cells
    told = family(stages="exact").context(clean.answers, clean.references)
    scores = told.values(told.statistics(clean.answers, clean.references))["cider_d"]
    order = [str(name) for name in clean.clip_ids[np.argsort(scores, kind="stable")]]
    assert [card.clip_id for card in held.cards if card.why == "worst"] == order[:4]
    assert [card.clip_id for card in held.cards if card.why == "best"] == order[::-1][:2]
    typical = [card for card in held.cards if card.why == "typical"]
    assert len(typical) == 3 and held.median == pytest.approx(np.median(scores), abs=1e-6)
    gaps = {c.clip_id: abs(c.said[0].scores["cider_d"] - held.median) for c in held.cards}
    left = [abs(s - np.median(scores)) for n, s in zip(clean.clip_ids, scores) if str(n) not in gaps]
    assert max(gaps[card.clip_id] for card in typical) <= min(left) + 1e-5
    assert held.metric == "cider_d" and held.clips == 13 and held.cards[0].references == list(clean.references[0])


def test_added_words_are_those_of_neither_caption_nor_reference(cells):
    clean, noisy = cells
    captions, _ = kept(family(stages="exact"), [clean, noisy], "cider_d", noisy.plan.key)
    (added,) = captions.added
    assert added.words == [("static", 6)] and added.changed == 6 and added.clips == 13
    for card in captions.cells[0].cards:
        odd = int(card.clip_id[4:6]) % 2
        assert card.said[1].added == (["static"] if odd else []) and card.said[0].added == []
    clean.references[1] = (*clean.references[1], "static noise")
    noisy.references[1] = clean.references[1]
    again, _ = kept(family(stages="exact"), [clean, noisy], "cider_d", noisy.plan.key)
    assert again.added[0].words == [("static", 5)]


def test_of_several_draws_the_first_counts(cells):
    clean, noisy = cells
    twice = cell(
        "corruption",
        [text for one in noisy.answers for text in (one, "wind")],
        [truth for truth in noisy.references for _ in range(2)],
        draws=2,
    )
    captions, table = kept(family(stages="exact"), [clean, twice], "cider_d", twice.plan.key)
    assert captions.added[0].clips == 13 and captions.added[0].words == [("static", 6)]
    assert len(table) == 13 + 26 and table["draw"].max() == 1


def test_one_clip_alone_is_chosen_by_another_score():
    captions, table = kept(family(stages="exact"), [cell("clean", ["a dog"], [("a dog barks",)])], "cider_d", None)
    assert captions.cells[0].metric == "meteor" and captions.cells[0].cards[0].why == "worst"
    assert "cider_d" not in table


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> bb.Run:
    root = tmp_path_factory.mktemp("clotho")
    rows = [
        {"file_name": f"clip {i}.wav", **{f"caption_{k + 1}": text for k, text in enumerate(held)}}
        for i, held in enumerate(CORPUS["references"])
    ]
    pd.DataFrame(rows).to_csv(root / "clotho_captions_evaluation.csv", index=False)
    said = pd.DataFrame({"file_name": [row["file_name"] for row in rows], "caption": CORPUS["candidates"]})
    return bb.score("dcase_task6_captioning", said, data={"clotho": root}, out=root / "runs")


def test_scores_of_all_clips_lie_beside_a_run(run):
    table = run.clips()
    assert len(table) == 30 and set(table["cell"]) == {run.result.cells[0].key}
    order = [int(name.split()[-1].removesuffix(".wav")) for name in table["clip_id"]]
    expected = np.array(CORPUS["scores"]["cider_d"]["clips"])[order]
    assert table["cider_d"].to_numpy() == pytest.approx(expected, abs=1e-12)
    assert list(table["references"].iloc[0]) == CORPUS["references"][order[0]]
    assert read_captions(run.path).cells[0].clips == 30
    assert {NAME, SCORES} <= set(run.result.provenance.artefacts)


def test_a_run_of_another_kind_keeps_none(tmp_path):
    (tmp_path / SCORES).write_bytes(b"old")
    write_clips(None, tmp_path)
    assert read_clips(tmp_path) is None
    with pytest.raises(ConfigError, match="cannot be read"):
        (tmp_path / SCORES).write_bytes(b"PAR1 not")
        read_clips(tmp_path)


def test_the_page_shows_them(run):
    page = (run.path / "report.html").read_text("utf-8")
    assert page.count('class="recording caption-card"') == 9 and 'href="#captions"' in page


def test_two_runs_are_compared_clip_by_clip(run, tmp_path):
    from benchbed.compare.runs import open_run
    from benchbed.compare.said import said_apart

    pairs = zip(CORPUS["references"], CORPUS["candidates"])
    said = [texts[0] if i < 5 else text for i, (texts, text) in enumerate(pairs)]
    table = pd.DataFrame({"file_name": [f"clip {i}.wav" for i in range(30)], "caption": said})
    root = run.path.parents[2]
    other = bb.score("dcase_task6_captioning", table, data={"clotho": root}, out=tmp_path / "runs", name="copied")
    clips = said_apart(open_run(other.path), open_run(run.path), "cider_d")
    ahead, alike = clips[:3], [one for one in clips if one.why == "hardly differ"]
    assert {one.why for one in ahead} == {f"{other.name} ahead"} and all(one.a in one.references for one in ahead)
    assert all(one.scores_a["cider_d"] > one.scores_b["cider_d"] for one in ahead)
    assert len(alike) == 2 and all(one.a == one.b for one in alike)
    assert bb.compare(other, run).frame() is not None

"""Every pair of models, plain sentences about them, and the comparisons that a board makes by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_runs import answers, lucky, made_run, recordings

from benchbed.compare import boards
from benchbed.compare.answer import Procedure
from benchbed.compare.asked import Wanted
from benchbed.compare.boards import board_comparisons
from benchbed.compare.contrast import contrast
from benchbed.compare.figure import Figure
from benchbed.compare.matrix import matrices
from benchbed.compare.places import open_sides
from benchbed.compare.runs import open_run
from benchbed.compare.show import lines
from benchbed.compare.sides import Side
from benchbed.compare.table import compare
from benchbed.compare.uncorrected import ask_pair, ask_table
from benchbed.compare.verdict import sentences
from benchbed.results.store import read
from benchbed.results.summary import Summary, read_summary
from benchbed.stats.paired import holm

QUICK = Procedure(draws=300, swaps=299)
TARGET, GROUP = recordings(80, 3)


def made(folder, name, clean, noisy=None, **facts):
    shares = {"clean": clean} | ({} if noisy is None else {"white@1": noisy, "white@2": noisy * 0.9})
    scores = {key: answers(lucky(80, 3, share, 0.3, name, key), TARGET) for key, share in shares.items()}
    return made_run(folder / name, scores, TARGET, GROUP, name=name, **facts)


def sides(*places):
    return [Side(run.name, (run,)) for run in map(open_run, places)]


def test_every_pair_is_the_contrast_of_its_two_models_corrected_over_the_pairs(tmp_path):
    four = sides(*(made(tmp_path, n, share) for n, share in (("a", 0.9), ("b", 0.88), ("c", 0.6), ("d", 0.4))))
    [matrix] = matrices(four, "accuracy", QUICK)
    assert matrix.names == ("a", "b", "c", "d") and len(matrix.entries) == 6
    runs = {side.name: side.runs[0] for side in four}
    for entry in matrix.entries:
        alone = contrast(runs[entry.a], runs[entry.b], Figure("clean"), ["accuracy"], QUICK)["accuracy"]
        assert (entry.value, entry.low, entry.high, entry.p) == (alone.value, alone.low, alone.high, alone.p)
    raw = {str(i): entry.p for i, entry in enumerate(matrix.entries)}
    assert [entry.p_adjusted for entry in matrix.entries] == list(holm(raw).values())
    verdicts = {(e.a, e.b): e.verdict for e in matrix.entries}
    assert verdicts["a", "b"] == "tie" and verdicts["a", "d"] == verdicts["c", "d"] == "win"
    assert matrices(four[:2], "accuracy", QUICK) == []


def test_what_the_table_of_the_first_says_is_what_its_pairs_would_say(tmp_path, monkeypatch):
    device = np.where(np.arange(len(TARGET)) % 2 == 0, "a", "s4")
    known = {"device": device, "sets": {"seen": ("a",), "unseen": ("s4",)}}
    shares = {"a": 0.9, "b": 0.7, "c": 0.5}
    three = sides(*(made(tmp_path, n, share, 0.6 * share, **known) for n, share in shares.items()))
    seeds = [made(tmp_path, f"net{i}", 0.6, 0.4, options={"seed": i}, **known) for i in range(2)]
    three.append(Side("net", tuple(open_run(place) for place in seeds), "seeds"))
    asked = Wanted(groups=("devices=unseen",))
    tables = [ask_table(three[0], side, asked, "accuracy", QUICK) for side in three[1:]]
    apart = matrices(three, "accuracy", QUICK)
    assert len(apart) == 2
    asked_apart = []

    def apart_from_tables(a, *more):
        asked_apart.append(a)
        return ask_pair(a, *more)

    monkeypatch.setattr("benchbed.compare.matrix.ask_pair", apart_from_tables)
    assert matrices(three, "accuracy", QUICK, tables=tables) == apart
    assert asked_apart and three[0] not in asked_apart


def test_unseen_devices_are_asked_where_every_run_has_them(tmp_path):
    device = np.where(np.arange(len(TARGET)) % 2 == 0, "a", "s4")
    known = {"device": device, "sets": {"seen": ("a",), "unseen": ("s4",)}}
    three = sides(*(made(tmp_path, n, share, **known) for n, share in (("a", 0.9), ("b", 0.7), ("c", 0.5))))
    found = matrices(three, "accuracy", QUICK)
    assert [str(m.figure) for m in found] == ["clean", "clean · devices=unseen"]
    text = "\n".join(lines(compare(three, procedure=QUICK)))
    assert "Row − column, Accuracy, clean, points" in text and "devices=unseen" in text


def test_a_pair_that_cannot_be_measured_says_why(tmp_path):
    lost = np.ones(len(TARGET), bool)
    three = sides(made(tmp_path, "a", 0.9), made(tmp_path, "b", 0.7), made(tmp_path, "c", 0.5, lost={"clean": lost}))
    [matrix] = matrices(three, "accuracy", QUICK)
    gone = [entry for entry in matrix.entries if "c" in (entry.a, entry.b)]
    assert {entry.verdict for entry in gone} == {"unmeasured"} and all(entry.reason for entry in gone)
    assert "?" in "\n".join(lines(compare(three, Wanted(("clean",)), QUICK)))


def test_the_verdict_is_said_in_sentences_that_the_rows_bear_out(tmp_path):
    good, poor = made(tmp_path, "good", 0.9, 0.85), made(tmp_path, "poor", 0.6, 0.4)
    found = compare(sides(good, poor), procedure=QUICK)
    [pairing] = found.pairings
    clean, perturbed, robust = sentences(pairing, found.settings, 0.8)
    row = pairing.rows[0].contrast
    assert clean.startswith("On clean audio good is better than poor in accuracy: ")
    assert f"{100 * row.a:.1f} against {100 * row.b:.1f} %" in clean and f"+{100 * row.value:.1f} points" in clean
    assert perturbed.startswith("Of 2 perturbed conditions good is shown better in 2 (") and "@" not in perturbed
    assert "poor in 0" in perturbed and "good − poor would be" in robust
    assert found.as_json()["pairings"][0]["said"] == [clean, perturbed, robust]
    turned = compare(sides(poor, good), procedure=QUICK)
    assert turned.said(turned.pairings[0])[0].startswith("On clean audio good is better than poor in accuracy: ")


def test_what_is_not_shown_says_what_would_have_been_found(tmp_path):
    one, other = made(tmp_path, "one", 0.72), made(tmp_path, "other", 0.7)
    found = compare(sides(one, other), Wanted(metrics=("accuracy",)), QUICK)
    [said] = found.said(found.pairings[0])
    mde = found.pairings[0].rows[0].contrast.mde
    assert "are not shown to differ in accuracy" in said
    assert f"a true difference of {100 * mde:.1f} points would be found with power 0.8" in said


def test_a_board_compares_its_models_the_best_first_and_nothing_else(tmp_path):
    places = [made(tmp_path, n, share, 0.4) for n, share in (("mid", 0.7), ("best", 0.95), ("last", 0.4))]
    places += [made(tmp_path, f"other{i}", 0.6, suite="elsewhere") for i in range(2)]
    places.append(made(tmp_path, "alone", 0.9, synthetic=True))
    opened = [(place / "result.json", read(place / "result.json")) for place in places]
    kept, reasons = board_comparisons(opened, QUICK)
    found = [one.read() for one in kept]
    assert [one.heading for one in kept] == [one.heading for one in found]
    assert reasons == [] and [side.name for side in found[0].sides] == ["best", "mid", "last"]
    assert [{side.name for side in one.sides} for one in found[1:]] == [{"other0", "other1"}]
    assert [(p.a, p.b) for p in found[0].pairings] == [("best", "mid"), ("best", "last")]
    assert len(found[0].matrices[0].entries) == 3 and found[0].matrices[0].names == ["best", "mid", "last"]
    assert all(pairing.said for pairing in found[0].pairings)


@pytest.mark.parametrize("noisy", [None, 0.4])
def test_a_board_of_summaries_says_what_one_of_whole_records_says(tmp_path, monkeypatch, noisy):
    device = np.where(np.arange(len(TARGET)) % 2 == 0, "a", "s4")
    known = {"device": device, "sets": {"seen": ("a",), "unseen": ("s4",)}}
    places = [made(tmp_path, n, share, noisy, **known) / "result.json" for n, share in (("a", 0.9), ("b", 0.6))]
    told = []
    for way in (read, read_summary):
        monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / way.__name__))
        [kept] = board_comparisons([(place, way(place)) for place in places], QUICK)[0]
        told.append(kept.read().model_dump_json())
    assert told[0] == told[1] and type(read_summary(places[0])) is Summary
    # Sums that are gone, or are others than the record names, are compared with nothing.
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "another"))
    (places[1].parent / "statistics.npz").write_bytes((places[0].parent / "statistics.npz").read_bytes())
    assert board_comparisons([(place, read_summary(place)) for place in places], QUICK) == ([], [])


def test_a_board_that_was_compared_before_is_not_compared_again(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    places = [made(tmp_path, n, share) for n, share in (("a", 0.9), ("b", 0.6))]
    opened = [(place / "result.json", read(place / "result.json")) for place in places]
    first = [one.read() for one in board_comparisons(opened, QUICK)[0]]

    def never(*_: object) -> None:
        raise AssertionError("compared again")

    with monkeypatch.context() as patched:
        patched.setattr(boards, "compare", never)
        again, _ = board_comparisons(opened, QUICK)
        assert [one.heading for one in again] == [one.heading for one in first]
        assert [one.read().model_dump() for one in again] == [one.model_dump() for one in first]
        # Other runs, or another procedure, are another question.
        for asked in ((opened[::-1], QUICK), (opened, replace(QUICK, draws=QUICK.draws + 1))):
            with pytest.raises(AssertionError, match="compared again"):
                board_comparisons(*asked)
    [kept] = (tmp_path / "cache" / "comparisons").glob("*.json")
    kept.write_text("{}", encoding="utf-8")
    assert [one.read() for one in board_comparisons(opened, QUICK)[0]] == first
    kept.unlink()
    with monkeypatch.context() as patched:
        patched.setattr(boards, "compare", never)
        with pytest.raises(AssertionError, match="compared again"):
            board_comparisons(opened, QUICK)


def test_of_many_runs_the_best_are_compared_and_the_rest_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(boards, "MOST", 2)
    places = [made(tmp_path, n, share) for n, share in (("last", 0.3), ("best", 0.95), ("mid", 0.7))]
    found, reasons = board_comparisons([(p / "result.json", read(p / "result.json")) for p in places], QUICK)
    assert [side.name for side in found[0].heading.sides] == ["best", "mid"]
    assert len(reasons) == 1 and "1 of 3 runs, all but the best 2" in reasons[0]


def test_devices_are_compared_where_nothing_is_perturbed(tmp_path):
    device = np.where(np.arange(len(TARGET)) % 2 == 0, "a", "s4")
    known = {"device": device, "sets": {"seen": ("a",), "unseen": ("s4",)}}
    places = [made(tmp_path, n, share, **known) for n, share in (("a", 0.9), ("b", 0.6))]
    noisy = [made(tmp_path / "noisy", n, share, 0.4, suite="noisy", **known) for n, share in (("a", 0.9), ("b", 0.6))]
    found, _ = board_comparisons([(p / "result.json", read(p / "result.json")) for p in (*places, *noisy)], QUICK)
    groups = [{row.group for row in one.read().pairings[0].rows} for one in found]
    assert groups == [{None, "devices=seen", "devices=unseen", "device=a", "device=s4"}, {None}]


def test_seeds_of_one_model_are_one_row_of_the_board(tmp_path):
    places = [made(tmp_path, f"net[seed={i}]", 0.7, options={"seed": i}) for i in range(2)]
    places += [made(tmp_path, "b", 0.5), made(tmp_path, "c", 0.3)]
    found, _ = board_comparisons([(p / "result.json", read(p / "result.json")) for p in places], QUICK)
    [held] = [one.read() for one in found]
    assert [(side.name, len(side.runs)) for side in held.sides] == [("net", 2), ("b", 1), ("c", 1)]
    assert {entry.verdict for entry in held.matrices[0].entries} <= {"win", "loss", "tie"}
    assert len(open_sides([str(p) for p in places])) == 3

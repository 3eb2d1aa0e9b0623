"""What was found of pairs before is what would be found now, and a file that is not as it was written is none."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from math import inf, isnan, nan
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from made_runs import answers, lucky, made_run, recordings

from benchbed.compare import answered, boards, matrix, table
from benchbed.compare.answer import Contrast, Procedure
from benchbed.compare.answered import AnsweredPairs
from benchbed.compare.boards import board_comparisons
from benchbed.compare.figure import Figure
from benchbed.compare.kept import kept
from benchbed.compare.matched import Robustness
from benchbed.compare.runs import open_run
from benchbed.compare.sides import Mixed, Side, Spread
from benchbed.compare.uncorrected import PairAnswer, TableAnswer
from benchbed.metrics.contract import MetricInfo
from benchbed.results.store import read

QUICK = Procedure(draws=100, swaps=99)
TARGET, GROUP = recordings(45, 1)
DEVICE = np.where(np.arange(len(TARGET)) % 2 == 0, "a", "s4")
KNOWN = {"device": DEVICE, "sets": {"seen": ("a",), "unseen": ("s4",)}}
INFO = MetricInfo("Accuracy", "accuracy:1", "fraction", "higher", chance=0.5, high=inf)


def made(folder: Path, name: str, clean: float, **facts) -> Path:
    scores = {"clean": answers(lucky(45, 1, clean, 0.3, name), TARGET)}
    return made_run(folder / name, scores, TARGET, GROUP, name=name, **KNOWN, **facts)


def perturbed(folder: Path, name: str, clean: float, **facts) -> Path:
    shares = {"clean": clean, "white@1": clean * 0.8, "white@2": clean * 0.6}
    scores = {key: answers(lucky(45, 1, share, 0.3, name, key), TARGET) for key, share in shares.items()}
    return made_run(folder / name, scores, TARGET, GROUP, name=name, **facts)


def opened(places: list[Path]) -> list:
    return [(place / "result.json", read(place / "result.json")) for place in places]


def told(places: list[Path], procedure: Procedure = QUICK) -> list[str]:
    """All that a board says, as JSON: to the bit, and whole numbers as whole numbers."""
    comparisons, reasons = board_comparisons(opened(places), procedure)
    return [json.dumps(one.read().model_dump(mode="json")) for one in comparisons] + reasons


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter:
    """Counts what is asked of pairs."""
    counts: Counter = Counter()

    def counted(module, name):
        plain = getattr(module, name)

        def call(a, b, *more):
            counts[name] += 1
            return plain(a, b, *more)

        monkeypatch.setattr(module, name, call)

    counted(matrix, "ask_pair")
    counted(table, "ask_table")
    return counts


def cold(places: list[Path], monkeypatch: pytest.MonkeyPatch, folder: Path, procedure: Procedure = QUICK) -> list[str]:
    """The same with an empty cache."""
    with monkeypatch.context() as patched:
        patched.setenv("BENCHBED_CACHE", str(folder))
        return told(places, procedure)


@pytest.mark.parametrize("make", [made, perturbed])
def test_only_pairs_of_a_new_run_are_asked_and_the_board_is_that_of_an_empty_cache(tmp_path, monkeypatch, asked, make):
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    places = [make(tmp_path, name, share) for name, share in (("a", 0.9), ("b", 0.8), ("c", 0.78), ("d", 0.3))]
    told(places)
    # Of six pairs those of the best stand in the table.
    questions = asked["ask_pair"] // 3
    assert asked == {"ask_table": 3, "ask_pair": 3 * questions} and questions == (2 if make is made else 1)
    asked.clear()
    # One in the middle is asked against each, and the best against it.
    new = [*places, make(tmp_path, "new", 0.7)]
    warm = told(new)
    assert asked == {"ask_table": 1, "ask_pair": 3 * questions}
    assert warm == cold(new, monkeypatch, tmp_path / "other")
    asked.clear()
    # Without it nothing is new, and every test pays for fewer others than before.
    (tmp_path / "cache" / "comparisons").rename(tmp_path / "gone")
    assert told(places) == cold(places, monkeypatch, tmp_path / "another") != warm
    assert asked == {"ask_table": 3, "ask_pair": 3 * questions}  # by the empty cache alone
    asked.clear()
    # A new best one is asked against all in both.
    best = [make(tmp_path, "best", 0.99), *places]
    assert told(best) == cold(best, monkeypatch, tmp_path / "third")
    assert asked == {"ask_table": 4 + 4, "ask_pair": (0 + 6) * questions}


def test_sides_of_several_seeds_are_kept_as_one(tmp_path, monkeypatch, asked):
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    places = [perturbed(tmp_path, f"net[seed={i}]", 0.7, options={"seed": i}) for i in range(2)]
    places += [perturbed(tmp_path, "b", 0.5), perturbed(tmp_path, "c", 0.3)]
    first = told(places)
    shutil.rmtree(tmp_path / "cache" / "comparisons")
    asked.clear()
    assert told(places) == first and not asked
    # A third seed makes another side of the two.
    places.append(perturbed(tmp_path, "net[seed=2]", 0.8, options={"seed": 2}))
    assert told(places) == cold(places, monkeypatch, tmp_path / "other") != first


def test_what_could_not_be_measured_is_kept_with_its_reason(tmp_path, monkeypatch, asked):
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    lost = {"some": np.arange(len(TARGET)) < 7, "all": np.ones(len(TARGET), bool)}
    places = [perturbed(tmp_path, name, 0.7, lost={"white@1": gone, "clean": gone}) for name, gone in lost.items()]
    places += [perturbed(tmp_path, "a", 0.9), perturbed(tmp_path, "b", 0.5)]
    first = told(places)
    assert "no recording whose clips both models scored" in first[0] and "left out of both" in first[0]
    shutil.rmtree(tmp_path / "cache" / "comparisons")
    asked.clear()
    assert told(places) == first and not asked


def test_a_file_that_is_damaged_or_of_other_settings_changes_no_figure(tmp_path, monkeypatch, asked):
    cache = tmp_path / "cache"
    monkeypatch.setenv("BENCHBED_CACHE", str(cache))
    places = [made(tmp_path, name, share) for name, share in (("a", 0.9), ("b", 0.6), ("c", 0.5))]
    right = told(places)
    [place] = (cache / "pairs").glob("*.json")
    good = place.read_bytes()
    draws = replace(QUICK, seed=1)
    other = told(places, draws)
    assert other != right
    [of_seed] = [path for path in (cache / "pairs").glob("*.json") if path != place]

    def again(data: bytes) -> tuple[list[str], int]:
        place.write_bytes(data)
        shutil.rmtree(cache / "comparisons")
        asked.clear()
        return told(places), asked["ask_pair"] + asked["ask_table"]

    assert again(good) == (right, 0)
    # That of another seed, under the name of this one.
    assert again(of_seed.read_bytes()) == (right, 4)
    for at in np.linspace(0, len(good) - 1, 8).astype(int):
        assert again(good[:at] + bytes([good[at] ^ 4]) + good[at + 1 :]) == (right, 4), at
    for length in (0, 20, len(good) // 2, len(good) - 2):
        assert again(good[:length]) == (right, 4), length
    assert again(good) == (right, 0)
    # Draws, levels and swaps have files of their own.
    for name, value in (("draws", 120), ("swaps", 79), ("level", 0.9), ("alpha", 0.1), ("power", 0.9)):
        changed = replace(QUICK, **{name: value})
        assert told(places, changed) == cold(places, monkeypatch, tmp_path / f"cold {name}", changed), name


def test_a_run_with_other_sums_is_another_run(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    places = [made(tmp_path, name, share) for name, share in (("a", 0.9), ("b", 0.6), ("c", 0.5))]
    first = told(places)
    shutil.rmtree(places[1])
    scores = {"clean": answers(lucky(45, 1, 0.7, 0.3, "another"), TARGET)}
    made_run(places[1], scores, TARGET, GROUP, name="b", **KNOWN)
    assert told(places) == cold(places, monkeypatch, tmp_path / "other") != first


def side(name: str, digest: str, kind: str = "model") -> Side:
    return Side(name, (SimpleNamespace(result=SimpleNamespace(digest=digest)),), kind)  # type: ignore[arg-type]


FIGURE = Figure("clean", "device=a")
HELD = (
    PairAnswer(INFO, "lower", 0.1, -inf, inf, 0.25, "one model"),
    PairAnswer(None, "", None, None, None, None, "no clips"),
    TableAnswer(
        (
            Contrast(FIGURE, "accuracy", INFO, "higher", 0.5, None, exact=True, differing=7, clips=9),
            Contrast(FIGURE, "f1", INFO, "higher", 0.1 + 0.2, 1e-300, mcnemar={"only_a": 3, "odds_ratio": inf}),
        ),
        (
            Mixed(
                FIGURE, "f1", INFO, "higher", (0.1,), (0.2, 0.3), Spread(0.0, 0.0, 0.0, 1.0, inf, 0.0), 0.0, None, 5, ""
            ),
        ),
        (Robustness("noise", (0.1, None, -0.0), None, "why"),),
    ),
    TableAnswer((), (), ()),
)


def test_every_kind_of_answer_comes_back_to_the_bit(tmp_path):
    place = tmp_path / "x.json"
    known = AnsweredPairs(place)
    a, b = side("a", "1"), side("b", "2")
    for number, held in enumerate(HELD):
        assert known.ask(str(number), a, b, lambda held=held: held) is held
    known.keep()
    again = AnsweredPairs(place)
    for number, held in enumerate(HELD):
        assert repr(again.ask(str(number), a, b, never)) == repr(held)
    # Of a figure that is not a number it is enough to say so once more.
    undefined = Mixed(FIGURE, "f1", INFO, "higher", (nan,), (), None, None, None, 0, "")
    again.ask("nan", a, b, lambda: undefined)
    again.keep()
    assert isnan(AnsweredPairs(place).ask("nan", a, b, never).values_a[0])


def never():
    raise AssertionError("asked again")


def test_an_answer_is_of_its_question_its_sides_and_their_order(tmp_path):
    a, b = side("a", "1"), side("b", "2")
    known = AnsweredPairs(tmp_path / "x.json")
    known.ask("q", a, b, lambda: HELD[0])
    others = [
        ("r", a, b),
        ("q", b, a),
        ("q", side("a2", "1"), b),
        ("q", side("a", "3"), b),
        ("q", a, side("b", "2", "family")),
        ("q", Side("a", (*a.runs, *a.runs)), b),
    ]
    for question, one, other in others:
        assert known.ask(question, one, other, lambda: HELD[1]) is HELD[1]
    known.keep()
    assert AnsweredPairs(known.place).ask("q", side("a", "1"), side("b", "2"), never) == HELD[0]


def test_what_json_would_give_back_otherwise_and_runs_without_digest_are_asked_each_time(tmp_path):
    known = AnsweredPairs(tmp_path / "x.json")
    a, b = side("a", "1"), side("b", "2")
    for one, answer in (
        (a, PairAnswer(INFO, "lower", np.float32(0.1), None, None, None, None)),
        (side("c", ""), HELD[0]),
    ):
        assert known.ask("q", one, b, lambda answer=answer: answer) is answer
        assert known.ask("q", one, b, lambda: HELD[1]) is HELD[1]
        known = AnsweredPairs(tmp_path / "x.json")
    nowhere = AnsweredPairs()
    assert nowhere.ask("q", a, b, lambda: HELD[0]) and nowhere.ask("q", a, b, lambda: HELD[1]) is HELD[1]
    nowhere.keep()


def test_what_is_kept_is_bounded_and_written_only_if_it_is_new(tmp_path, monkeypatch):
    monkeypatch.setattr(answered, "EARLIER", 2)
    place, b = tmp_path / "x.json", side("b", "2")

    def fill(names: str, digest: str = "1") -> None:
        known = AnsweredPairs(place)
        for name in names:
            known.ask(name, side("a", digest), b, lambda: HELD[0])
        known.keep()

    fill("pqrs")
    written = place.stat().st_mtime_ns, place.read_bytes()
    fill("qp")
    assert (place.stat().st_mtime_ns, place.read_bytes()) == written
    fill("t")
    assert len(kept(place)["answers"]) == 1 + 2
    fill("uvwx")
    assert len(kept(place)["answers"]) == 4 + 3
    monkeypatch.setattr(answered, "MEANINGS", 0)
    fill("y")
    assert len(kept(place)["answers"]) == 1
    monkeypatch.setattr(answered, "FILES", 2)
    for number in range(4):
        known = AnsweredPairs(tmp_path / f"{number}.json")
        known.ask("q", side("a", "1"), b, lambda: HELD[0])
        known.keep()
    assert len(list(tmp_path.glob("*"))) == 2
    (tmp_path / "file").write_text("")
    known = AnsweredPairs(tmp_path / "file" / "x.json")
    known.ask("q", side("a", "1"), b, lambda: HELD[0])
    known.keep()


def test_a_board_whose_answers_depend_on_more_keeps_none(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    runs = opened([made(tmp_path, name, share) for name, share in (("a", 0.9), ("b", 0.6), ("c", 0.5))])
    board_comparisons(runs, replace(QUICK, swapper=lambda *_: None))
    assert not (tmp_path / "cache" / "pairs").exists()
    assert open_run(runs[0][0]).result.digest and boards.MOST == 100

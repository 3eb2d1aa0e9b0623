"""METEOR in Python against its own program, on inputs and a dictionary that were made for it.

The golden file holds what `meteor-1.5.jar` answered. Beyond it, with the jar's own words and `-m exact`, `exact stem`
and `exact stem synonym`: 1,470 clips of AudioCaps with four references and 3,000 pairs of its captions, and 4,689 clips
put together from odd pieces, had the same statistics; and all 99,929 words of its dictionary the same stem.
"""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.captions.meteor import choice, scoring
from benchbed.metrics.captions.meteor.alignment import Pair, align, pairs, pieces
from benchbed.metrics.captions.meteor.jar import Jar
from benchbed.metrics.captions.meteor.lexicon import Lexicon, lexicon
from benchbed.metrics.captions.meteor.normal import normal
from benchbed.metrics.captions.meteor.stemmer import stem

GOLDEN = json.loads((Path(__file__).parent / "golden" / "captions_meteor_1.5.json").read_text("utf-8"))
WORDS = st.lists(st.sampled_from(["a", "dog", "dogs", "barks", "barking", "rain"]), max_size=7).map(tuple)


@pytest.fixture(scope="module")
def jar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A jar with the dictionary of the golden file, and no program."""
    held = GOLDEN["dictionary"]
    path = tmp_path_factory.mktemp("meteor") / "meteor-1.5.jar"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("function/english.words", "\n".join(held["function_words"]) + "\n")
        archive.writestr("nonbreaking/english.prefixes", "# titles\nApprox\nNo #NUMERIC_ONLY#\n")
        lines = [f"{word}\n{' '.join(f'{n:08d}' for n in sets)}\n" for word, sets in held["synsets"].items()]
        archive.writestr("synonym/english.synsets", "".join(lines))
        lines = [f"{base}\n{' '.join(forms)}\n" for base, forms in held["exceptions"].items()]
        archive.writestr("synonym/english.exceptions", "".join(lines))
    return path


@pytest.mark.parametrize("run", GOLDEN["runs"], ids=lambda run: f"{run['words']}-{run['stages']}")
def test_statistics_and_scores_are_those_of_the_program(run, jar):
    words = lexicon(jar) if run["words"] == "dictionary" else Lexicon()
    rows = np.stack(
        [
            scoring.statistics(
                normal(case["candidate"], words.prefixes),
                [normal(text, words.prefixes) for text in case["references"]],
                run["stages"].split("+"),
                words,
            )
            for case in GOLDEN["cases"]
        ]
    )
    expected = np.stack([scoring.read(" ".join(map(str, line))) for line in run["statistics"]])
    assert rows.tolist() == expected.tolist()
    assert scoring.values(rows) == pytest.approx(run["scores"], abs=1e-15, rel=1e-15)
    assert float(scoring.values(rows.sum(axis=0))) == pytest.approx(run["corpus"], abs=1e-15, rel=1e-15)


def test_the_golden_cases_need_every_stage():
    credit = {
        run["words"] + run["stages"]: np.array(run["statistics"], float)[:, 4:-3].sum(axis=0) for run in GOLDEN["runs"]
    }
    exact, stems, synonyms = np.split(credit["dictionaryexact+stem+synonym"][:12], 3)
    assert exact[0] and stems[0] and synonyms[0]
    assert len(GOLDEN["cases"]) > 150


def test_a_short_score_by_hand():
    # Two of three words are equal and one shares its stem: P = R = (2 + 0.6) / 3, one piece, and nothing left over.
    row = scoring.statistics(("a", "dog", "barks"), [("a", "dog", "barked")], ("exact", "stem"), Lexicon())
    assert float(scoring.values(row)) == pytest.approx(2.6 / 3)
    # `a b` for `b a`: all words, two pieces of one word, so that 1 - 0.6 * (2 / 2) ** 0.2 is left.
    row = scoring.statistics(("a", "b"), [("b", "a")], ("exact",), Lexicon())
    assert float(scoring.values(row)) == pytest.approx(0.4)


def test_a_pair_that_two_stages_offer_counts_only_beside_an_equal_word(jar):
    """As the program has it: `dogs barking` against `dog barks` is 0.6 by stems, and 0 with synonyms added."""
    said, truth, words = ("dogs", "barking"), ("dog", "barks"), lexicon(jar)
    by_stems = scoring.statistics(said, [truth], ("exact", "stem"), words)
    with_synonyms = scoring.statistics(said, [truth], ("exact", "stem", "synonym"), words)
    assert float(scoring.values(by_stems)) == pytest.approx(0.6)
    assert float(scoring.values(with_synonyms)) == 0.0


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        # From the vocabulary of the algorithm's page (snowballstem.org).
        ("consigned", "consign"), ("consistency", "consist"), ("consolatory", "consolatori"),
        ("knightly", "knight"), ("knotty", "knotti"), ("succeeding", "succeed"), ("gently", "gentl"), ("skies", "sky"),
        ("generously", "generous"), ("communism", "communism"), ("hopping", "hop"), ("hoping", "hope"),
    ],
)  # fmt: skip
def test_stems(word, expected):
    assert stem(word) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a dog barks", ("a", "dog", "barks")),
        ("a dog 's high-pitched bark", ("a", "dog", "'", "s", "high", "pitched", "bark")),
        ("1,000 dogs, cats", ("1,000", "dogs", ",", "cats")),
        ("u.s. 5 p.m.", ("us", "5", "pm")),
        ("approx. no. 5", ("approx.", "no.", "5")),
        ("the no. one", ("the", "no.", "one")),
        ("the end.", ("the", "end", ".")),
        ("...", ("...",)),
        ("", ()),
    ],
)
def test_normal_form(text, words):
    assert normal(text, {"approx": False, "no": True}) == words


def test_the_normal_form_of_anything_is_words():
    assert normal("“¿” – ½ ･ \u2028") and normal("   ") == ()


@given(WORDS, WORDS)
def test_an_alignment_uses_no_word_twice(candidate, reference):
    chosen, chunks = align(pairs(candidate, reference, ("exact", "stem"), Lexicon()), len(candidate))
    used = [pair.candidate for pair in chosen if pair is not None]
    assert len(used) == len(set(used)) and chunks == pieces(chosen) <= len(used)
    assert all(pair is None or stem(candidate[pair.candidate]) == stem(word) for word, pair in zip(reference, chosen))


@given(WORDS.filter(len))
def test_a_caption_equal_to_its_reference_is_perfect(caption):
    row = scoring.statistics(caption, [caption], ("exact",), Lexicon())
    assert float(scoring.values(row)) == pytest.approx(1.0)


@given(st.lists(st.tuples(WORDS, WORDS.filter(len)), min_size=1, max_size=4))
def test_statistics_add_up_and_scores_stay_within_one(clips):
    rows = np.stack([scoring.statistics(one, [other], ("exact", "stem"), Lexicon()) for one, other in clips])
    both = scoring.values(np.stack([rows.sum(axis=0), rows[0]]))
    assert both[0] == scoring.values(rows.sum(axis=0)) and (both >= 0).all() and (both <= 1 + 1e-12).all()


def test_ties_of_the_search_go_to_fewer_pieces():
    offered = pairs(("a", "dog", "a"), ("a",), ("exact",), Lexicon())
    assert offered == [[Pair(0, 0), Pair(2, 0)]]
    assert align(offered, 3) == ([Pair(0, 0)], 1)


def test_what_runs_without_a_jar(monkeypatch):
    monkeypatch.setattr(choice.importlib.util, "find_spec", lambda name: None)
    monkeypatch.delenv(choice.VARIABLE, raising=False)
    chosen = choice.choose()
    assert chosen.rule == "meteor-1.5:exact+stem:all-words-alike" and "jar is not at hand" in chosen.why
    with pytest.raises(ConfigError, match="cannot all run"):
        choice.choose(stages="exact+stem+synonym")
    with pytest.raises(ConfigError, match="stages are 'stem'"):
        choice.choose(stages="stem")


def test_what_runs_with_a_jar(jar, monkeypatch, tmp_path):
    chosen = choice.choose(jar)
    assert chosen.rule == "meteor-1.5:exact+stem+synonym" and "paraphrase-en.gz" in chosen.why
    assert choice.choose(jar, "exact").why == ""
    monkeypatch.setenv(choice.VARIABLE, str(jar))
    assert choice.choose().path == jar
    full = tmp_path / "meteor-1.5.jar"
    shutil.copy(jar, full)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "paraphrase-en.gz").write_bytes(b"")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert choice.choose(full).why == "there is no java"


def test_a_jar_that_is_none(tmp_path):
    with pytest.raises(ConfigError, match="no such jar"):
        choice.choose(tmp_path / "meteor-1.5.jar")
    (tmp_path / "other.jar").write_bytes(b"PK")
    with pytest.raises(ConfigError, match=r"not METEOR's jar: function/english\.words"):
        choice.choose(tmp_path / "other.jar")


def test_an_unpacked_jar_has_the_same_words(jar, tmp_path):
    zipfile.ZipFile(jar).extractall(tmp_path)
    assert lexicon(tmp_path) == lexicon(jar)


def program(folder: Path, body: str) -> str:
    """An executable that stands for Java."""
    path = folder / "java"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_the_program_is_asked_clip_by_clip(tmp_path):
    line = "2.0 2.0 1.0 1.0 1.0 1.0 1.0 1.0 " + 12 * "0.0 " + "1.0 2.0 2.0"
    java = program(tmp_path, f'while read -r asked; do echo "$asked" >> {tmp_path}/asked; echo "{line}"; done')
    row = Jar(tmp_path / "x.jar", java).statistics(("a", "dog"), [("a", "dog"), ("the", "cat")])
    assert row[-3:].tolist() == [0.0, 2.0, 2.0]
    assert (tmp_path / "asked").read_text() == "SCORE ||| a dog ||| the cat ||| a dog\n"


@pytest.mark.parametrize("body", ["exit 1", "read -r x; echo Error: no", ":"])
def test_a_program_that_gives_nothing_says_so(tmp_path, body):
    with pytest.raises(CannotMeasure, match="METEOR's jar gave no figure"):
        Jar(tmp_path / "x.jar", program(tmp_path, body)).statistics(("a",), [("a",)])


def test_java_that_does_not_start(tmp_path):
    with pytest.raises(CannotMeasure, match="did not start"):
        Jar(tmp_path / "x.jar", str(tmp_path / "none"))


def test_the_real_jar_with_paraphrases():
    """Where the jar, its table and Java are: all four stages, as the golden corpora have them."""
    chosen = choice.choose(os.environ.get(choice.VARIABLE))
    if len(chosen.stages) < 4:
        pytest.skip(f"METEOR's paraphrases do not run here: {chosen.why}")
    corpora = json.loads((Path(__file__).parent / "golden" / "captions_pycocoevalcap_1.2.json").read_text("utf-8"))
    for corpus in corpora["corpora"]:
        rows = chosen.statistics(
            [text.split() for text in corpus["candidates"]],
            [[text.split() for text in held] for held in corpus["references"]],
        )
        assert scoring.values(rows) == pytest.approx(corpus["scores"]["meteor"]["clips"], abs=1e-9)
        assert float(scoring.values(rows.sum(0))) == pytest.approx(corpus["scores"]["meteor"]["corpus"], abs=1e-9)

"""Classes in a taxonomy: the published definition step by step, its defect by name, and taxonomies that cannot be."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchbed.data.broad_sound import BROAD_SOUND as LABELS
from benchbed.errors import BenchbedError, ConfigError, DataError
from benchbed.metrics.cell import score_cell
from benchbed.metrics.families.hierarchical import family
from benchbed.metrics.taxonomy import Taxonomy, taxonomy_of

TOPS = [label.partition("-")[0] for label in LABELS]
REFERENCES = np.repeat(np.arange(len(LABELS)), 40)


def figures(answers, references=REFERENCES, labels=LABELS, **options):
    metrics = family(labels, **options)
    sums = metrics.statistics(np.eye(len(labels))[np.asarray(answers)], np.asarray(references)).sum(axis=0)
    return metrics.values(sums)


def published(answers, references, labels, official):
    """The definition of the task's baseline, clip by clip (copy of 2026-05-28, `b73ad6d`), written anew.

    A class without an answer divides by zero there, and is passed over.
    """
    rows = []
    for number in range(len(labels)):
        if number not in references:
            continue
        precision, recall = [], []
        for answer, truth in zip(answers, references):
            said, true = {labels[answer], labels[answer][:2]}, {labels[truth], labels[truth][:2]}
            weight = 1 if answer == truth else 0.75 if labels[answer][:2] == labels[truth][:2] else 0
            if answer == number:
                precision.append(weight * len(said & true) / len(said))
            if truth == number:
                recall.append(weight * len(said & true) / len(true))
        r = sum(recall) / len(recall)
        if not precision:
            rows += [] if official else [(0.0, r, 0.0)]
            continue
        p = sum(precision) / len(precision)
        rows.append((p, r, 2 * p * r / (p + r) if p + r else 0.0))
    return np.mean(rows, axis=0)


@pytest.mark.parametrize("official", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_figures_follow_the_definition(seed, official):
    draw = np.random.default_rng(seed)
    labels = ("fx-a", "fx-b", "fx-c", "ss-a", "ss-b", "sp-a")
    references, answers = draw.integers(0, 6, 60), draw.integers(0, 4 + seed % 3, 60)
    values = figures(answers, references, labels, official=official)
    names = ("hierarchical_precision", "hierarchical_recall", "hierarchical_f1")
    assert [values[name] for name in names] == pytest.approx(
        published(answers, references, labels, official), abs=1e-12
    )


@pytest.mark.parametrize(
    ("answers", "whole", "official"),
    [
        # One class of the largest top for everything; one class of each top.
        (np.full(len(REFERENCES), LABELS.index("fx-a")), 0.012, 0.272),
        (np.array([TOPS.index(TOPS[one]) for one in REFERENCES]), 0.150, 0.692),
    ],
)
def test_who_never_names_a_class_gains_by_the_published_scorer_alone(answers, whole, official):
    """The figures of a run of the published scorer on 23 classes with 40 clips each."""
    assert round(float(figures(answers)["hierarchical_f1"]), 3) == whole
    assert round(float(figures(answers, official=True)["hierarchical_f1"]), 3) == official
    assert family(LABELS, official=True).metrics["hierarchical_f1"].rule.endswith(":official")


def test_a_near_miss_counts_in_part():
    values = figures([0, 1], [0, 0], ("fx-a", "fx-b", "ss-a"))
    # Of two clips of fx-a one is called fx-b: recall (1 + 0.375) / 2, precision 1; accuracy (1 + 0.5) / 2.
    assert values["hierarchical_recall"] == pytest.approx(0.6875) and values["hierarchical_precision"] == 1.0
    assert values["hierarchical_accuracy"] == pytest.approx(0.75) and values["macro_top_accuracy"] == 1.0
    strict = figures([0, 1], [0, 0], ("fx-a", "fx-b", "ss-a"), top_weight=0.0, accuracy_weight=0.0)
    assert strict["hierarchical_recall"] == strict["hierarchical_accuracy"] == 0.5


def test_classes_that_are_never_named_are_said(tmp_path):
    labels = ("fx-a", "fx-b", "ss-a")
    scores, target = np.eye(3)[[0, 0, 0]], np.array([0, 1, 2])
    found = score_cell(family(labels), scores, target, np.arange(3))
    note = "2 classes with clips are never named and count as zero: fx-b, ss-a"
    assert found.metrics["hierarchical_f1"].note == note
    assert found.groups["class=ss-a"]["class_hierarchical_f1"].value == 0.0
    dropped = score_cell(family(labels, official=True), scores, target, np.arange(3))
    assert "left out of the mean" in dropped.metrics["hierarchical_recall"].note
    assert dropped.groups["class=ss-a"]["class_hierarchical_f1"].value is None


def test_a_class_that_only_the_model_knows_is_wrong():
    metrics = family(("fx-a", "ss-a"), outside=1)
    sums = metrics.statistics(np.array([[0.1, 0.2, 0.7], [0.2, 0.8, 0.0]]), np.array([0, 1])).sum(axis=0)
    values = metrics.values(sums)
    assert values["hierarchical_f1"] == values["macro_top_accuracy"] == 0.5


ONTOLOGY = [
    {"id": "/a", "name": "Animal", "child_ids": ["/d", "/w"]},
    {"id": "/m", "name": "Wild animals", "child_ids": ["/w"]},
    {"id": "/d", "name": "Dog", "child_ids": []},
    {"id": "/w", "name": "Wolf", "child_ids": []},
    {"id": "/r", "name": "Rain", "child_ids": []},
]


def test_any_taxonomy_can_be_scored(tmp_path):
    file = tmp_path / "ontology.json"
    file.write_text(json.dumps(ONTOLOGY))
    labels = ("Dog", "Wolf", "Rain")
    made = taxonomy_of(str(file), labels)
    assert made.path("Wolf") == {"Wolf", "Animal", "Wild animals"} and made.tops("Dog") == {"Animal"}
    # A wolf that is called a dog: one of two in the answer's set, one of three in its own.
    values = figures([0, 0, 2], [0, 1, 2], labels, taxonomy=str(file), top_weight=1.0)
    assert values["hierarchical_precision"] == pytest.approx((0.75 + 0 + 1) / 3)
    assert values["hierarchical_recall"] == pytest.approx((1 + 1 / 3 + 1) / 3)
    table = tmp_path / "classes.csv"
    table.write_text("class,parent\nAnimal,\nWild animals,\nDog,Animal\nWolf,Animal; Wild animals\nRain,\n")
    assert taxonomy_of(str(table), labels).parents == made.parents


@pytest.mark.parametrize(
    ("text", "said", "place"),
    [
        ("class,parent\nDog,Animal\nRain,\n", "the parent 'Animal' of 'Dog' is no class", ""),
        ("class,parent\nDog,Wolf\nWolf,Dog\nRain,\n", "their own ancestors: Dog → Wolf → Dog", ""),
        ("class,parent\nDog,Dog\nRain,\n", "their own ancestors: Dog → Dog", ""),
        ("class,parent\nDog,\nRain,\nDog,Rain\n", "'Dog' stands twice", ":4"),
        ("class,above\nDog,\n", "no column of parents", ":1"),
        ("kind,parent\nDog,\n", "no column of classes", ":1"),
        ("class,parent\n,Rain\nRain,\n", "no name", ":2"),
        ("class,parent\nDog,\n", "no class 'Rain' (1 of 2", ""),
        ("class,parent\n", "no rows", ""),
    ],
)
def test_a_taxonomy_that_cannot_be_is_one_clear_error(tmp_path, text, said, place):
    file = tmp_path / "classes.csv"
    file.write_text(text)
    with pytest.raises(BenchbedError) as caught:
        taxonomy_of(str(file), ("Dog", "Rain"))
    assert said in caught.value.what and str(file) in (caught.value.where or "")
    assert (caught.value.where or "").endswith(place)


@pytest.mark.parametrize("text", ["{", "{}", "[1]", '[{"id": "a"}]', json.dumps(ONTOLOGY[:1])])
def test_an_ontology_that_is_none_is_refused(tmp_path, text):
    file = tmp_path / "ontology.json"
    file.write_text(text)
    with pytest.raises(DataError):
        taxonomy_of(str(file), ())


def test_long_lines_of_ancestors_need_no_recursion():
    parents = {"0": ()} | {str(n): (str(n - 1),) for n in range(1, 3000)}
    assert len(Taxonomy(parents).path("2999")) == 3000


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"top_weight": 1.5}, "top_weight=1.5"),
        ({"accuracy_weight": -1}, "accuracy_weight=-1"),
        ({"taxonomy": "nowhere.csv"}, "no such taxonomy"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, said):
    with pytest.raises(ConfigError, match=said):
        family(LABELS, **options)


def test_a_name_without_a_hyphen_is_a_top_of_its_own():
    made = taxonomy_of("prefix", ("dog", "fx-a", "-x"))
    assert made.parents == {"fx": (), "fx-a": ("fx",), "dog": (), "-x": ()}

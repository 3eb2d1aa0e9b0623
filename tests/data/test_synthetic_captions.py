"""Captions of synthetic scenes: five different sentences, the same on every machine, about what is in the clip."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from benchbed.data import LAYOUTS, synthetic
from benchbed.data.synthesis.captions import BEHIND, COUNT, EVENTS, PLACES, captions
from benchbed.data.synthesis.events_domestic import SOUNDS
from benchbed.data.synthesis.events_mixed import Placed, Soundscape, recorded, soundscape


@pytest.fixture(scope="module")
def clotho(tmp_path_factory) -> Path:
    return synthetic.make(tmp_path_factory.mktemp("clotho") / "set", layout="clotho", size="small")


def heard(*events: Placed, place: str = "park", behind: str = "") -> Soundscape:
    return Soundscape(np.zeros(160000, np.int16), events, place, behind)


def clips(count: int) -> list[tuple[Soundscape, tuple[str, ...]]]:
    """Plans of soundscapes without their audio, and what is said about them."""
    from benchbed import rng as random
    from benchbed.data.synthesis.events_mixed import _events_of

    told = []
    for number in range(count):
        rng = random.stream("test captions", number)
        behind = (*BEHIND, "")[number % (len(BEHIND) + 1)]
        one = heard(*_events_of(rng, 10.0), place=list(PLACES)[number % len(PLACES)], behind=behind)
        told.append((one, captions(one, 0, "test", number)))
    return told


def test_every_sound_has_words():
    assert set(EVENTS) == set(SOUNDS)


def test_a_clip_has_five_different_sentences():
    for _, texts in clips(400):
        assert len(texts) == COUNT == len(set(texts))
        for text in texts:
            assert re.fullmatch(r"[A-Z][a-z ,]+[a-z]\.", text), text
            assert "  " not in text and " ," not in text
            assert 4 <= len(text.split()) <= 32
            assert not re.search(r"\b(\w+) \1\b", text), text
            assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", text.lower()), text


def test_words_depend_on_the_name_of_the_clip_alone():
    dog = heard(Placed("Dog", 1.0, 3.0, 12.0))
    assert captions(dog, 0, "test", 1) == captions(dog, 0, "test", 1)
    assert len({captions(dog, 0, "test", number) for number in range(20)}) > 10
    # Written down once, so that a change of the generator cannot pass unseen.
    assert captions(dog, 0, "test", 1) == (
        "Only a dog barks in a park.",
        "The yapping of a dog is heard over the air of a park.",
        "A dog yaps in a park.",
        "A dog can be heard outdoors in a park.",
        "In a park, a dog is barking.",
    )


#: What a sentence about a class cannot do without.
STEMS = {
    "Alarm_bell_ringing": r"alarm|bell",
    "Blender": r"blender",
    "Cat": r"cat",
    "Dishes": r"dishes|plates",
    "Dog": r"dog",
    "Electric_shaver_toothbrush": r"shaver|toothbrush",
    "Frying": r"frying|fries|sizzl\w+",
    "Running_water": r"water|faucet",
    "Speech": r"person|someone|voice|speech",
    "Vacuum_cleaner": r"vacuum cleaner",
}


def test_sentences_tell_what_is_in_the_clip_and_nothing_else():
    for one, texts in clips(300):
        labels = {event.label for event in one.events}
        for label, stem in STEMS.items():
            about = [text for text in texts if re.search(rf"\b({stem})\b", text.lower())]
            if label not in labels:
                assert not about, (label, about)
            elif len(labels) <= 3:
                assert len(about) >= 4, (label, texts)  # the shortest sentence tells of two
        assert any(where in text.lower() for where, _ in PLACES[one.place] for text in texts)
        behind = (
            any(any(part in text.lower() for way in BEHIND[one.behind] for part in way) for text in texts)
            if one.behind
            else True
        )
        assert behind


def test_they_count_and_order():
    dog = Placed("Dog", 1.0, 2.0, 12.0), Placed("Dog", 4.0, 5.0, 12.0)
    assert sum("twice" in text for text in captions(heard(*dog), 0, "test", 2)) >= 2
    later = (Placed("Dog", 1.0, 2.0, 12.0), Placed("Cat", 6.0, 7.0, 9.0))
    for number in range(20):
        texts = captions(heard(*later), 0, "order", number)
        ordered = [t for t in texts if re.search("then|before|followed", t)]
        assert len(ordered) >= 3 and not any(" while a cat" in t or "mixed" in t for t in texts)
        for text in ordered:
            assert text.lower().index("dog") < text.lower().index("cat")
    both = (Placed("Blender", 1.0, 8.0, 12.0), Placed("Cat", 3.0, 4.0, 9.0))
    texts = captions(heard(*both), 0, "test", 3)
    assert any(" while a cat" in text for text in texts) and any("is mixed with" in text for text in texts)


def test_a_clip_without_events_is_described_too():
    for behind in ("", *BEHIND):
        for place in PLACES:
            assert len(set(captions(heard(place=place, behind=behind), 0, "none", 1))) == COUNT


def test_the_scene_of_a_clip_is_told_without_changing_its_samples():
    whole = recorded(0, "train", 3, 4.0)
    samples, events = soundscape(0, "train", 3, 4.0)
    assert (whole.samples == samples).all() and list(whole.events) == events
    assert whole.place in PLACES and whole.behind in {*BEHIND, ""}


def test_the_set_is_laid_out_as_clotho_is(clotho):
    dataset = LAYOUTS.get("clotho").read(clotho)
    assert {split: len(ids) for split, ids in dataset.splits.items()} == {
        "development": 12,
        "validation": 4,
        "evaluation": 8,
    }
    assert all(len(texts) == COUNT for texts in dataset.clips["captions"])
    assert all((clotho / path).is_file() for path in dataset.clips["path"])
    assert dataset.synthetic and dataset.name == "clotho-synthetic" and not dataset.official
    with open(clotho / "clotho_captions_evaluation.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    # The standard library reads the same as we do, commas in captions included.
    assert [tuple(row[f"caption_{i}"] for i in range(1, 6)) for row in rows] == dataset.select("evaluation")[
        "captions"
    ].tolist()

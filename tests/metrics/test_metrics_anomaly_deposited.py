"""Deposited outputs of three years of DCASE Task 2 give the figures that their scripts printed, to the last digit."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from benchbed.metrics.families.anomaly import family
from benchbed.outputs.anomaly.monitored import MonitoredClip

FOLDER = Path(__file__).parent / "deposited"
NAME = re.compile(r"(?P<machine>.+)_(?P<section>(?:section|id)_\d\d)(?:_(?:source|target))?(?:_test)?$")


def deposited(path):
    """Year, printed figures, scores and references of a file."""
    year, printed, clips, answers = 0, {}, [], []
    for line in path.read_text().splitlines():
        if line.startswith("#"):
            year = int(found[1]) if (found := re.match(r"# year (\d{4})", line)) else year
        elif line.startswith("= "):
            name, value = line[2:].rsplit(" ", 1)
            printed[name] = float(value)
        else:
            name, order, *flagged = line.split(" ")
            label = " ".join(NAME.match(name).group("machine", "section"))
            letters = re.findall(r"\(\w+\)|\w", order)
            count = sum(map(str.isalpha, order))
            for rank, letter in enumerate("".join(letters).replace("(", "").replace(")", "")):
                domain = "" if year == 2020 else {"s": "source", "t": "target"}[letter.lower()]
                clips.append(MonitoredClip(label, domain, letter.isupper()))
                answers.append([0.0, float(rank >= count - int(flagged[0])) if flagged else np.nan])
            scores = [step for step, group in enumerate(letters) for _ in group.strip("()")]
            for row, score in zip(answers[-count:], scores):
                row[0] = score
    target = np.empty(len(clips), object)
    target[:] = clips
    return year, printed, np.array(answers), target


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_figures_are_those_that_were_printed(path):
    year, printed, scores, target = deposited(path)
    sections = tuple(dict.fromkeys(one.section for one in target))
    metrics = family(sections, year=year)
    sums = metrics.statistics(scores, target).sum(axis=0)
    whole, each = metrics.sample(scores, target, np.arange(len(target)), len(target)).scores(np.ones((1, len(target))))
    values = metrics.values(sums) | {name: value[0] for name, value in whole.items()}
    classes = metrics.per_class(sums) | {name: value[0] for name, value in each.items()}
    for name, value in printed.items():
        section, _, figure = name.rpartition("/")
        mine = classes[figure][sections.index(section)] if section else values[figure]
        assert mine == pytest.approx(value, rel=1e-13, abs=1e-14), name
    assert len(printed) > 8 and len(target) > 1800


def test_three_years_are_there():
    assert {path.stem[:4] for path in FOLDER.glob("*.txt")} == {"2020", "2021", "2022"}

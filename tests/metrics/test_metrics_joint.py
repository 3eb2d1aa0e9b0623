"""Several families at once give what each gives alone, also in every bootstrap draw."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchbed.errors import ConfigError
from benchbed.metrics.cell import score_cell
from benchbed.metrics.families import classification, sed_segment, tagging
from benchbed.metrics.joint import Joint
from benchbed.stats.bootstrap import Bootstrap

LABELS = ("dog", "rain", "speech")


def test_each_part_gives_what_it_gives_alone():
    _, scores, target = tagging.example(np.random.default_rng(0), 40)
    main, strict = tagging.family(LABELS), tagging.family(LABELS, threshold=0.8)
    group = np.arange(40) // 2
    bootstrap = Bootstrap(20, draws=100, name="x", seed=0)
    both = score_cell(Joint(main, {"strict": strict}), scores, target, group, bootstrap=bootstrap)
    for prefix, family in (("", main), ("strict_", strict)):
        alone = score_cell(family, scores, target, group, bootstrap=bootstrap)
        for name, number in alone.metrics.items():
            found = both.metrics[prefix + name]
            assert (found.value, found.low, found.high, found.n) == (number.value, number.low, number.high, number.n)
            named = f"{number.info.title} (strict)" if prefix else number.info.title
            assert found.info == replace(number.info, title=named), "two families that count F1 are told apart"
        assert both.groups["class=rain"][prefix + "f1"].value == alone.groups["class=rain"]["f1"].value
    assert set(both.tables) == {"reliability", "strict_reliability"}


def test_families_must_be_about_the_same():
    with pytest.raises(ConfigError, match="'scene' are about scene"):
        Joint(tagging.family(LABELS), {"scene": classification.family(LABELS)})
    with pytest.raises(ConfigError, match="about frames"):
        Joint(tagging.family(LABELS), {"segment": sed_segment.family(LABELS)})


def test_statistics_of_another_width_are_refused():
    _, scores, target = tagging.example(np.random.default_rng(0), 4)
    made = Joint(tagging.family(LABELS), {"strict": tagging.family(LABELS)})
    sums = made.statistics(scores, target).sum(0)
    with pytest.raises(ValueError, match="statistics"):
        made.values(sums[:-1])

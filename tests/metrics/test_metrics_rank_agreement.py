"""Distances read from average precision and AUC, against simulation, scikit-learn and published figures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from benchbed.metrics.rank_agreement import LIMIT, d_prime_of_ap, disagreement, normal_ap

#: Mean share of positives on AudioSet's evaluation set: 51,804 labels of 527 classes on 20,371 segments, as the head of
#: eval_segments.csv says.
AUDIOSET = 51804 / 20371 / 527
#: mAP and mAUC on that set: the five poolings of TALNet and three systems that its tables quote (Y. Wang 2018), PANNs
#: CNN14 (Kong et al. 2020), and a CNN with a Transformer and two ResNets of a thesis on audio event detection.
SOUND = {
    "Hershey 2017": (0.314, 0.959),
    "Kong 2018": (0.327, 0.965),
    "Yu 2018": (0.360, 0.970),
    "TALNet max": (0.351, 0.961),
    "TALNet average": (0.361, 0.966),
    "TALNet linear": (0.359, 0.966),
    "TALNet exponential": (0.362, 0.965),
    "TALNet attention": (0.354, 0.963),
    "CNN14": (0.431, 0.973),
    "CNN+Transformer": (0.411, 0.971),
    "ResNet50": (0.370, 0.966),
    "ResNet50 pretrained": (0.382, 0.962),
}


@pytest.mark.parametrize("name", SOUND)
def test_published_taggers_agree(name):
    assert abs(disagreement(*SOUND[name], AUDIOSET)) < 0.2


def test_the_published_ast_with_classes_below_chance_does_not():
    """Same mAP as the CNN with a Transformer, and the code that printed it left some classes' AUC below one half."""
    assert disagreement(0.411, 0.837, AUDIOSET) > LIMIT > 5 * abs(disagreement(0.411, 0.971, AUDIOSET))


@pytest.mark.parametrize(("distance", "share"), [(0.0, 0.1), (1.0, 0.05), (2.0, 0.02), (3.0, 0.3)])
def test_average_precision_of_normals_is_that_of_many_draws(distance, share):
    generator = np.random.default_rng(0)
    positive = generator.random(200_000) < share
    scores = generator.standard_normal(200_000) + distance * positive
    ap, auc = average_precision_score(positive, scores), roc_auc_score(positive, scores)
    assert normal_ap(distance, share) == pytest.approx(ap, abs=0.012)
    assert disagreement(ap, auc, share) == pytest.approx(0, abs=0.06)


@settings(max_examples=20, deadline=None)
@given(st.floats(-1, 5), st.floats(0.001, 0.9))
def test_a_distance_is_found_again(distance, share):
    assert d_prime_of_ap(normal_ap(distance, share), share) == pytest.approx(distance, abs=1e-4)


@pytest.mark.parametrize("figures", [(1.0, 0.9, 0.1), (0.5, 1.0, 0.1), (0.5, float("nan"), 0.1), (0.5, 0.9, 0.0)])
def test_perfect_and_unknown_figures_have_no_distance(figures):
    assert np.isnan(disagreement(*figures))

"""Random streams: a key of Philox, by numpy's own way of giving it one."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from benchbed import rng


@pytest.mark.parametrize("parts", [("noise", {"snr": 10}, "a.wav", 0), ("room", 3), ("ä", [1.5, None], True)])
def test_a_stream_is_that_of_a_generator_whose_key_is_given(parts):
    plain = np.random.Generator(np.random.Philox(key=rng.key(*parts)))
    made = rng.stream(*parts)
    assert made.standard_normal(100).tolist() == plain.standard_normal(100).tolist()
    assert made.integers(10, size=9).tolist() == plain.integers(10, size=9).tolist()
    state, wanted = made.bit_generator.state["state"], plain.bit_generator.state["state"]
    assert {name: state[name].tolist() for name in state} == {name: wanted[name].tolist() for name in wanted}


def test_a_stream_goes_on_in_another_process():
    made = rng.stream("noise", 1)
    made.random(3)
    again = pickle.loads(pickle.dumps(made))
    assert again.random(5).tolist() == made.random(5).tolist()


def test_a_key_is_no_seed_of_other_generators():
    with pytest.raises(TypeError, match="two words of 64 bits"):
        np.random.Generator(np.random.PCG64(rng.stream("noise").bit_generator.seed_seq))

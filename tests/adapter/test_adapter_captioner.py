"""Choosing words: searches against all sentences, drafts, words that may not be said, and what a captioner answers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from benchbed.adapter import Card
from benchbed.adapter.captioner import Captioner
from benchbed.adapter.decoding import accepted, beam, best_first, greedy
from benchbed.errors import ConfigError
from benchbed.types import Batch


def table(seed: int, words: int = 4) -> torch.Tensor:
    """Logarithms of the probability of the next word, by the word before."""
    return torch.randn(words, words, generator=torch.Generator().manual_seed(seed)).log_softmax(-1)


def mean_odds(odds: torch.Tensor, sentence: tuple[int, ...]) -> float:
    whole = (0, *sentence, 3)
    return sum(float(odds[a, b]) for a, b in itertools.pairwise(whole)) / (len(whole) - 1)


@pytest.mark.parametrize("seed", range(8))
def test_a_wide_beam_finds_the_best_of_all_sentences(seed):
    odds, longest = table(seed), 3
    every = [s for n in range(longest) for s in itertools.product((0, 1, 2), repeat=n)]
    best = max(every, key=lambda s: mean_odds(odds, s))
    found = beam(lambda rows, words: odds[words[:, -1]], 1, start=0, end=3, longest=longest, width=40)[0]
    # Sentences that do not end within the length are compared, too, by the mean of their words.
    value = mean_odds(odds, tuple(found)) if len(found) < longest else -np.inf
    unended = max(
        sum(float(odds[a, b]) for a, b in itertools.pairwise((0, *s))) / longest
        for s in itertools.product((0, 1, 2), repeat=longest)
    )
    assert value == pytest.approx(mean_odds(odds, best)) or unended > mean_odds(odds, best)


@pytest.mark.parametrize("seed", range(8))
def test_a_beam_of_one_without_penalty_is_greedy(seed):
    odds = table(seed)

    def following(rows, words):
        return odds[words[:, -1]]

    one = greedy(following, 1, start=0, end=3, longest=6)[0]
    assert len(one) <= 6 and 3 not in one
    step = 0
    for word in [*one, 3][:6]:
        assert int(odds[step].argmax()) == word
        step = word


def test_best_first_stops_at_the_first_sentence_that_ends_or_when_too_many_wait():
    odds = torch.tensor([[-9.0, -0.1, -3.0, -5.0], [-9.0, -0.1, -3.0, -9.0], [-9.0, -9.0, -9.0, -0.1], [0.0] * 4])
    found = best_first(lambda rows, words: odds[words[:, -1]], 0, start=0, end=3, width=2, power=0.1)
    assert found[-1] == 2
    endless = torch.full((4, 4), -9.0)
    endless[:, 1] = -0.1
    found = best_first(lambda rows, words: endless[words[:, -1]], 0, start=0, end=3, width=2, power=0.1, most=20)
    assert set(found) == {1} and len(found) > 10


def test_an_accepted_draft_is_what_greedy_search_would_say():
    assert accepted(torch.tensor([4, 5, 9]), [4, 5]) == [4, 5, 9]
    assert accepted(torch.tensor([7, 5, 9]), [4, 5]) == [7]
    assert accepted(torch.tensor([7]), []) == [7]


class Echo(Captioner):
    """Says a word for every place of its memory that is loud, from a fixed list."""

    card = Card(name="echo", family="other", output="caption", labels=(), sample_rate=8000)
    vocabulary, start, end, unknown = ("<sos>", "<eos>", "<unk>", "it's", "well-known", "rain"), 0, 1, 2

    def build(self) -> torch.nn.Module:
        return torch.nn.Identity()

    def hear(self, waveforms: torch.Tensor) -> torch.Tensor:
        return waveforms.unfold(2, 100, 100).square().mean(-1).transpose(1, 2)

    def next_words(self, memory: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        loud = (memory[..., 0] > 0.01).sum(1)
        place = torch.arange(words.shape[1])
        odds = torch.zeros(*words.shape, 6)
        odds[..., 5] = 1.0
        odds[..., 4] = 0.5
        odds[..., 1] = (place[None] >= loud[:, None]) * 9.0
        return odds


def echo() -> Echo:
    adapter = Echo()
    adapter.load("cpu")
    return adapter


def batch(*lengths: int) -> Batch:
    waveforms = np.zeros((len(lengths), 1, max(lengths)), np.float32)
    for row, length in enumerate(lengths):
        waveforms[row, 0, :length] = 1.0
    return Batch(waveforms, np.array(lengths), 8000)


def test_clips_of_a_batch_are_heard_without_their_padding():
    said = echo().predict(batch(300, 100, 200))
    assert said.tolist() == ["rain rain rain", "rain", "rain rain"]


def test_a_clip_that_is_not_a_number_has_no_caption_and_spoils_no_other():
    given = batch(300, 300)
    given.waveforms[0, 0, 5] = np.nan
    assert echo().predict(given).tolist() == [None, "rain rain rain"]


def test_words_that_may_not_be_said_are_not():
    adapter = echo()
    adapter.never = (5,)
    assert adapter.predict(batch(200)).tolist() == ["well-known well-known"]
    adapter.never, adapter.not_first = (), (5,)
    assert adapter.predict(batch(200)).tolist() == ["well-known rain"]
    memory = adapter.hear(torch.from_numpy(batch(200).waveforms))
    assert adapter.texts(memory, ["rain rain"]) == ["well-known rain"]


def test_words_are_spelt_as_the_vocabulary_has_them():
    assert echo().spell("It's WELL-KNOWN: snow, rain!") == [3, 4, 2, 5]
    adapter = echo()
    adapter.unknown = None
    assert adapter.spell("snow rain") == [5]
    assert adapter.say([3, 5, 1]) == "it's rain"


@pytest.mark.parametrize(("options", "what"), [(("fast", 1, 9), "no way to choose"), (("beam", 0, 9), "says nothing")])
def test_searches_that_make_no_sense_are_refused(options, what):
    with pytest.raises(ConfigError, match=what):
        echo().search(*options)

"""A sentence per clip: raise the loss of the clip's own captions, or force a given one.

Scores are what a captioner's decoder is told, its memory `[clip, place, feature]`; the losses ask the decoder, by
teacher forcing, how likely it finds a sentence word by word. A captioner opens itself to this by `hear`, `next_words`,
`spell`, `start` and `end`, as `benchbed.adapter.captioner.Captioner` has them. The cross-entropy of a sentence loses
its gradient where the model is sure of every word; the margin, logit of the next word minus the best other one, does
not (Carlini and Wagner, Audio adversarial examples: targeted attacks on speech-to-text, 2018, force sentences so).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from benchbed.attack.losses import Aimed
from benchbed.attack.twin import Forward
from benchbed.errors import ConfigError
from benchbed.outputs.contract import Heard, Reading
from benchbed.protocols import Teller

#: Name of the differentiable path of such an adapter.
PATH = "hear"
#: What a captioner must have besides, to be asked how likely it finds a sentence.
NEEDS = ("hear", "next_words", "spell", "texts", "start", "end")


def scores(forward: Forward, reading: Reading, heard: Heard) -> Forward:
    """What the losses climb, of a model's `hear`: the memory as it is."""
    return forward


def cross_entropy(logits: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
    """Mean negative logarithm of the probability of each sentence's words `[sentence]`.

    Parameters
    ----------
    logits : torch.Tensor [shape=(sentence, place, vocabulary)]
        Of the next word.
    words : torch.Tensor [shape=(sentence, place), int64]
        The words that come there; −1 after the end.

    Examples
    --------
    >>> logits = torch.tensor([[[0.0, 0.0], [9.0, 0.0]]])
    >>> round(cross_entropy(logits, torch.tensor([[1, -1]])).item(), 4)
    0.6931
    """
    known = words >= 0
    odds = logits.log_softmax(-1).gather(-1, words.clamp_min(0)[..., None])[..., 0]
    return -(odds * known).sum(-1) / known.sum(-1).clamp_min(1)


def margin_of(logits: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
    """Mean over the words of the logit of the best other word minus the word's own `[sentence]`; each word counts to
    a margin of 10 at most, so that words that are lost already do not hide those that are not.

    Examples
    --------
    >>> margin_of(torch.tensor([[[0.0, 2.0], [9.0, 0.0]]]), torch.tensor([[1, -1]])).tolist()
    [-2.0]
    """
    known = words >= 0
    place = words.clamp_min(0)[..., None]
    own = logits.gather(-1, place)[..., 0]
    best = logits.scatter(-1, place, float("-inf")).amax(-1)
    return ((best - own).clamp(-10.0, 10.0) * known).sum(-1) / known.sum(-1).clamp_min(1)


def forced(loss: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """The loss that grows as a sentence becomes likely."""
    return lambda logits, words: -loss(logits, words)


def margin(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """There is no decision without a decoder: `taught` gives the losses one, and a margin with it."""
    raise ConfigError("the losses of captions need the model's decoder")


LOSSES: dict[str, Callable[..., torch.Tensor]] = {
    "ce": cross_entropy,
    "margin": margin_of,
    "force_ce": forced(cross_entropy),
    "force_margin": forced(margin_of),
}
GOALS = {"loss": ("ce", "margin"), "force": ("force_ce", "force_margin")}
DEFAULTS = GOALS["loss"]


def opened(adapter: object) -> list[str]:
    """What a captioner lacks to be attacked; empty for one that is open."""
    return [name for name in NEEDS if getattr(adapter, name, None) is None]


def sentences(teller: Teller, texts: Sequence[Sequence[str]]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Sentences as a decoder is taught them.

    Parameters
    ----------
    teller : Teller
        Whose words are meant.
    texts : sequence [clip] of sequences of str
        Captions of each clip.

    Returns
    -------
    given : torch.Tensor [shape=(sentence, place), int64]
        Start and words; filled up with the end.
    wanted : torch.Tensor [shape=(sentence, place), int64]
        Words and end; filled up with −1.
    owner : torch.Tensor [shape=(sentence,), int64]
        Clip of each.
    """
    spelled = [(clip, teller.spell(text)) for clip, several in enumerate(texts) for text in several]
    longest = 1 + max((len(words) for _, words in spelled), default=0)
    given = torch.full((len(spelled), longest), teller.end, dtype=torch.int64)
    wanted = torch.full((len(spelled), longest), -1, dtype=torch.int64)
    for row, (_, words) in enumerate(spelled):
        given[row, : len(words) + 1] = torch.tensor([teller.start, *words])
        wanted[row, : len(words) + 1] = torch.tensor([*words, teller.end])
    return given, wanted, torch.tensor([clip for clip, _ in spelled], dtype=torch.int64)


def taught(aimed: Aimed, teller: Teller, texts: Sequence[Sequence[str]]) -> Aimed:
    """Losses of a memory, for one model and some clips: means over the captions of each clip.

    Parameters
    ----------
    aimed : Aimed
        Losses of logits and words.
    teller : Teller
        The model.
    texts : sequence [clip] of sequences of str
        Captions to lose, or the one to force, of each clip. The target of the losses `[clip, 1]` has numbers of clips
        in this sequence.
    """
    known: dict[tuple[int, ...], tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = {}

    def asked(loss: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        def of_memory(memory: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            rows = tuple(target.flatten().tolist())
            if rows not in known:
                known[rows] = sentences(teller, [texts[row] for row in rows])
            given, wanted, owner = (part.to(memory.device) for part in known[rows])
            values = loss(teller.next_words(memory[owner], given), wanted)
            total = torch.zeros(len(rows), dtype=values.dtype, device=values.device).index_add(0, owner, values)
            return total / torch.bincount(owner, minlength=len(rows)).clamp_min(1)

        return of_memory

    losses = {name: asked(loss) for name, loss in aimed.LOSSES.items()}
    straight = losses[aimed.names[-1]]
    return replace(aimed, LOSSES=losses, margin=lambda memory, target: -straight(memory, target))

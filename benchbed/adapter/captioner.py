"""Base class for captioners written in torch: hear a clip once, then say one word after another.

A captioner separates what it hears from what it says: `hear` turns waveforms into a memory, and `next_words` says how
likely every word is at every place of a sentence, given that memory and the words before. From these two follow
`predict`, by greedy or beam search, and the teacher-forced likelihood of any sentence, through which attacks find the
way: raising the loss of a clip's own captions, or forcing a given one (`benchbed.attack.losses.caption`). Whoever
writes another kind of captioner opens it to attacks by the same five names: `hear`, `next_words`, `spell`, `say` and
the numbers `start` and `end`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from benchbed.adapter.contract import Adapter
from benchbed.adapter.decoding import accepted, beam, greedy
from benchbed.errors import ConfigError
from benchbed.types import Batch

#: What a word of a caption is: everything else parts words.
WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


class Captioner(Adapter):
    """An adapter around a network with an encoder of sound and a decoder of words.

    A subclass sets `card` and `vocabulary`, calls `search`, and implements `build`, `hear` and `next_words`.

    Attributes
    ----------
    vocabulary : tuple of str
        Words in the order of their numbers, `start` and `end` among them.
    start, end : int
        Numbers of the words that begin and end a sentence.
    unknown : int or None
        Number that stands for words that are not in the vocabulary; None leaves them out.
    width : int
        Sentences that are followed at once; 1 is greedy.
    longest : int
        Most words of a caption.
    never, not_first : tuple of int
        Words that are never said, and that no caption begins with.
    model, device, checkpoint
        As of `TorchAdapter`.

    Examples
    --------
    >>> from benchbed.adapter import Card
    >>> class Same(Captioner):
    ...     card = Card(name="same", family="other", output="caption", labels=(), sample_rate=8000)
    ...     vocabulary, start, end = ("<sos>", "<eos>", "rain"), 0, 1
    ...     def build(self):
    ...         return torch.nn.Identity()
    ...     def hear(self, waveforms):
    ...         return waveforms.transpose(1, 2)
    ...     def next_words(self, memory, words):
    ...         return torch.eye(3)[(words == 0) * 2 + (words == 2)]  # rain, then the end
    >>> adapter = Same()
    >>> adapter.load("cpu")
    >>> adapter.predict(Batch(np.zeros((2, 1, 80), np.float32), np.full(2, 80), 8000)).tolist()
    ['rain', 'rain']
    """

    vocabulary: tuple[str, ...]
    start: int
    end: int
    unknown: int | None = None
    width: int = 1
    longest: int = 30
    never: tuple[int, ...] = ()
    not_first: tuple[int, ...] = ()
    model: torch.nn.Module
    device: torch.device
    checkpoint: Path | None = None

    def search(self, decode: str, width: int, longest: int) -> None:
        """Take over the options by which words are chosen.

        Parameters
        ----------
        decode : str
            `greedy` or `beam`.
        width : int
            Sentences that a beam follows.
        longest : int
            Most words of a caption.

        Raises
        ------
        ConfigError
            A width or length that makes no sense.
        """
        if decode not in ("greedy", "beam"):
            raise ConfigError(f"'{decode}' is no way to choose words", where="decode", hint="greedy or beam")
        if width < 1 or longest < 1:
            raise ConfigError(f"a beam of {width} sentences of {longest} words says nothing", where="beam")
        self.width, self.longest = (width if decode == "beam" else 1), longest

    def build(self) -> torch.nn.Module:
        """The network with its weights, on the CPU."""
        raise NotImplementedError(f"{type(self).__name__} must implement build()")

    def load(self, device: str = "cpu") -> None:
        """Build the network, put it into evaluation mode and move it to `device`."""
        self.device = torch.device(device)
        self.model = self.build().to(self.device).eval()

    def hear(self, waveforms: torch.Tensor) -> torch.Tensor:
        """What the decoder is told of waveforms `[clip, channel, sample]`: a memory `[clip, place, feature]`,
        differentiable."""
        raise NotImplementedError(f"{type(self).__name__} must implement hear()")

    def next_words(self, memory: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """Logits of the next word `[clip, place, vocabulary]` at every place of words `[clip, place]`, of which none
        sees a later one; differentiable in the memory."""
        raise NotImplementedError(f"{type(self).__name__} must implement next_words()")

    def spell(self, text: str) -> list[int]:
        """Numbers of a caption's words, without start and end.

        Words that the model does not know become its unknown word, or are left out where it has none.
        """
        if not hasattr(self, "_numbers"):
            self._numbers = {word: number for number, word in enumerate(self.vocabulary)}
        found = [self._numbers.get(word, self.unknown) for word in WORD.findall(text.lower())]
        return [number for number in found if number is not None]

    def say(self, words: Sequence[int]) -> str:
        """The caption that numbers of words stand for."""
        return " ".join(self.vocabulary[number] for number in words if number not in (self.start, self.end))

    def texts(self, memory: torch.Tensor, drafts: Sequence[str] | None = None) -> list[str]:
        """Captions from a memory, one for each clip.

        Parameters
        ----------
        memory : torch.Tensor [shape=(clip, place, feature)]
            From `hear`.
        drafts : sequence of str, optional
            Captions that may come out. One look says how much of a draft greedy search would say, and it goes on from
            there: the captions are the same, and cost less.
        """
        with torch.inference_mode():

            def following(rows: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
                given = self.next_words(memory[rows.to(memory.device)], words.to(memory.device))[:, -1].float()
                return self._allowed(given, words.shape[1] == 1).log_softmax(-1)

            limits = {"start": self.start, "end": self.end, "longest": self.longest}
            if self.width > 1:
                said = beam(following, len(memory), width=self.width, **limits)
            else:
                agreed = self._agreed(memory, drafts) if drafts is not None else None
                said = greedy(following, len(memory), agreed=agreed, **limits)
        return [self.say(words) for words in said]

    def _agreed(self, memory: torch.Tensor, drafts: Sequence[str]) -> list[list[int]]:
        spelled = [self.spell(draft) for draft in drafts]
        given = torch.full((len(spelled), 1 + max(map(len, spelled))), self.end, dtype=torch.int64)
        for row, words in enumerate(spelled):
            given[row, : len(words) + 1] = torch.tensor([self.start, *words])
        odds = self.next_words(memory, given.to(memory.device)).float()
        first, rest = self._allowed(odds[:, :1], True), self._allowed(odds[:, 1:], False)
        likeliest = torch.cat([first, rest], 1).argmax(-1).cpu()
        return [accepted(best[: len(words) + 1], words) for best, words in zip(likeliest, spelled)]

    def _allowed(self, odds: torch.Tensor, first: bool) -> torch.Tensor:
        """Logits with those of words at minus infinity that may not be said there."""
        left_out = [*self.never, *(self.not_first if first else ())]
        if not left_out:
            return odds
        return odds.index_fill(-1, torch.tensor(left_out, device=odds.device), float("-inf"))

    def predict(self, batch: Batch) -> np.ndarray:
        """Captions `[clip]`, object array of str; clips of one length run together, so that padding is never heard."""
        captions = np.empty(len(batch), dtype=object)
        for length in np.unique(batch.lengths):
            rows = np.flatnonzero(batch.lengths == length)
            waveforms = np.ascontiguousarray(batch.waveforms[rows, :, : int(length)])
            with torch.inference_mode():
                memory = self.hear(torch.from_numpy(waveforms).to(self.device))
            spoilt = ~memory.isfinite().flatten(1).all(1).cpu().numpy()
            for row, text, odd in zip(rows, self.texts(torch.nan_to_num(memory)), spoilt):
                # What is not a number is no sound: such a clip has no caption, and the run counts it as failed.
                captions[row] = None if odd else text
        return captions

    def weights(self) -> list[Path]:
        return [Path(self.checkpoint)] if self.checkpoint is not None else []

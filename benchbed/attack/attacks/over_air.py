"""Over the air: a sound that is played by a loudspeaker in a room beside the scene (expectation over both).

Rooms, loudspeakers and background noise are drawn anew at every step; it is judged in a room and with a loudspeaker
that it was not made with. The budget is about what arrives at the microphone: SNR of the clip over the sound as heard
there. Options `rooms`, `loudspeakers` and `background` of a condition are folders of measured responses and noises;
without them simple models stand in, and the record says so.
"""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from benchbed.attack import expected
from benchbed.attack.air import BACKGROUND_SNR, Surroundings, heard_through
from benchbed.attack.contract import Problem


class OverAir(expected.Expected):
    """Options: `rooms`, `loudspeakers`, `background` (folders), `background_snr` in dB, and those of `Expected`."""

    defaults = MappingProxyType(
        {
            **expected.EXPECTED_DEFAULTS,
            "rooms": None,
            "loudspeakers": None,
            "background": None,
            "background_snr": BACKGROUND_SNR,
        }
    )

    def length(self, problem: Problem) -> int:
        return problem.ball.clean.shape[-1]

    def _air(self, problem: Problem) -> Surroundings:
        return problem.surroundings or _synthetic(problem.sample_rate, problem.seed)

    def drawn(
        self, problem: Problem, random: np.random.Generator, *, unseen: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
        """A room, a loudspeaker, a noise and where in it the clip begins."""
        air = self._air(problem)
        rooms, speakers = (air.unseen_rooms, air.unseen_loudspeakers) if unseen else (air.rooms, air.loudspeakers)
        noise = air.background[int(random.integers(len(air.background)))]
        return (
            rooms[int(random.integers(len(rooms)))],
            speakers[int(random.integers(len(speakers)))],
            noise,
            int(random.integers(len(noise))),
        )

    def changed(self, pattern: torch.Tensor, draw: Any, problem: Problem) -> torch.Tensor:
        return heard_through(pattern, draw[0], draw[1])

    def around(self, clean: torch.Tensor, draw: Any, problem: Problem) -> torch.Tensor:
        """The clip in background noise, while the pattern is made."""
        noise, start = draw[2], draw[3]
        samples = clean.shape[-1]
        cut = np.take(noise, np.arange(start, start + samples), mode="wrap").astype(np.float32)
        added = torch.from_numpy(cut).to(clean).expand_as(clean)
        level = clean.norm() / added.norm().clamp_min(1e-12) * 10 ** (-self.options["background_snr"] / 20)
        return clean + level * added


@lru_cache(maxsize=4)
def _synthetic(sample_rate: int, seed: int) -> Surroundings:
    """Made once, not for every draw of every step."""
    return Surroundings.synthetic(sample_rate, seed)


ATTACK = OverAir

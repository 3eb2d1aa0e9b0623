"""A burst: a short sound that breaks the answer wherever in the clip it falls (expectation over positions).

All of the budget lies in a window of 50 to 500 ms; the attacker does not choose when it sounds. What is stated is the
SNR over the whole clip, as for every attack: within its window a burst of 200 ms in 10 s is 17 dB stronger.

Planted points and the floor of noise are bursts too, at the places where it is judged. What a burst leaves as it is may
rightly keep the answer, so a budget without bounds is asked to break every clip of a burst that is as long as the clip.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from benchbed.attack import expected
from benchbed.attack.contract import Problem
from benchbed.errors import ConfigError

#: Shortest and longest burst in milliseconds.
SHORTEST, LONGEST = 1.0, 5000.0


class Burst(expected.Expected):
    """Options: `milliseconds` of the burst, besides those of `benchbed.attack.expected.Expected`."""

    spares = True
    whole = False
    defaults = MappingProxyType({**expected.EXPECTED_DEFAULTS, "milliseconds": 200.0})

    def length(self, problem: Problem) -> int:
        wanted = self.options["milliseconds"]
        if not isinstance(wanted, int | float) or not SHORTEST <= wanted <= LONGEST:
            raise ConfigError(
                f"a burst of {wanted!r} milliseconds", hint=f"a number from {SHORTEST:g} to {LONGEST:g}, e.g. 200"
            )
        if self.whole:
            return problem.ball.clean.shape[-1]
        return min(problem.ball.clean.shape[-1], max(8, round(wanted * problem.sample_rate / 1000)))

    def unsparing(self) -> Burst:
        """A burst as long as the clip."""
        made = Burst(self.name, self.options)
        made.whole = True
        return made

    def drawn(self, problem: Problem, random: np.random.Generator, *, unseen: bool) -> int:
        """The first sample of the burst."""
        return int(random.integers(problem.ball.clean.shape[-1] - self.length(problem) + 1))

    def changed(self, pattern: torch.Tensor, draw: Any, problem: Problem) -> torch.Tensor:
        after = problem.ball.clean.shape[-1] - pattern.shape[-1] - draw
        return torch.nn.functional.pad(pattern, (draw, after))


ATTACK = Burst

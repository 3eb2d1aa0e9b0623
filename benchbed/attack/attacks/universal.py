"""A universal perturbation of any waveform, fitted with random shifts on clips apart from those it is scored on.

Moosavi-Dezfooli, Fawzi, Fawzi and Frossard, Universal adversarial perturbations, CVPR 2017; for sounds Abdoli et al.,
Universal adversarial audio perturbations, arXiv:1908.03173. Fitted by ascent on the mean loss.
"""

from __future__ import annotations

import numpy as np
import torch

from benchbed.attack import universal
from benchbed.attack.contract import Problem


class Waveform(universal.Universal):
    """Options: see `benchbed.attack.universal.Universal`."""

    def parameters(self, problem: Problem, random: np.random.Generator) -> list[torch.Tensor]:
        shape = tuple(problem.ball.clean.shape[1:])
        start = random.standard_normal(shape, dtype=np.float32)
        return [universal.normed(torch.from_numpy(start)[None], problem.ball.norm)[0].to(problem.ball.clean)]

    def sound(self, parameters: list[torch.Tensor], problem: Problem) -> torch.Tensor:
        return parameters[0]

    def step(self, parameters: list[torch.Tensor], slopes: list[torch.Tensor], share: float, problem: Problem) -> None:
        if problem.ball.norm == "linf":
            moved = parameters[0] + 0.2 * share * slopes[0].sign()
            parameters[0] = moved.clamp(-1.0, 1.0)
        else:
            moved = parameters[0] + 0.4 * share * slopes[0] / slopes[0].norm().clamp_min(1e-30)
            parameters[0] = universal.normed(moved[None], "l2")[0]


ATTACK = Waveform

"""Adversarial music: a universal perturbation that is a short tune of plucked notes.

Li et al., Adversarial music: real world audio adversary against wake-word detection system, NeurIPS 2019
(arXiv:1911.00126), play such a tune beside the speech. Each note has a pitch, an onset, an attack and a decay time and
a level; all are learned, under random shifts, gains and rooms. Pitches stay within a piano's range, so the result
remains music, and is a weaker attack than a free waveform.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import torch

from benchbed.attack import universal
from benchbed.attack.contract import Problem

#: Range of pitches in MIDI note numbers (27.5 to 4186 Hz), and harmonics per note.
LOWEST, HIGHEST, HARMONICS = 21.0, 108.0, 6
#: Attack and decay times of a note in seconds.
ATTACK_SECONDS, DECAY_SECONDS = (0.002, 0.1), (0.05, 1.0)


class Music(universal.Universal):
    """Options: `notes`, besides those of `benchbed.attack.universal.Universal`; gain and room are on."""

    defaults = MappingProxyType({**universal.UNIVERSAL_DEFAULTS, "notes": 16, "gain": True, "room": True})

    def parameters(self, problem: Problem, random: np.random.Generator) -> list[torch.Tensor]:
        notes = self.options["notes"]
        # Every parameter is kept without bounds and mapped into its range by a sigmoid. First pitches are spread over
        # the range and onsets over the clip.
        first = random.uniform(-2.0, 2.0, (5, notes)).astype(np.float32)
        first[1] = np.linspace(-2.5, 2.5, notes)
        return list(torch.from_numpy(first).to(problem.ball.clean))

    def sound(self, parameters: list[torch.Tensor], problem: Problem) -> torch.Tensor:
        channels, samples = problem.ball.clean.shape[1:]
        tune = synthesise(parameters, samples, problem.sample_rate)
        return tune[None].expand(channels, samples)

    def step(self, parameters: list[torch.Tensor], slopes: list[torch.Tensor], share: float, problem: Problem) -> None:
        for number, slope in enumerate(slopes):
            size = slope.abs().amax().clamp_min(1e-30)
            parameters[number] = (parameters[number] + 0.3 * share * slope / size).clamp(-4.0, 4.0)


def notes_of(parameters: list[torch.Tensor]) -> dict[str, torch.Tensor]:
    """Parameters as the notes they stand for: pitch (MIDI number), onset (share of the clip), times (s) and level.

    Examples
    --------
    >>> round(notes_of([torch.zeros(1)] * 5)["pitch"].item(), 1)
    64.5
    """
    pitch, onset, attack, decay, level = (torch.sigmoid(p) for p in parameters)
    return {
        "pitch": LOWEST + (HIGHEST - LOWEST) * pitch,
        "onset": 0.95 * onset,
        "attack": ATTACK_SECONDS[0] * (ATTACK_SECONDS[1] / ATTACK_SECONDS[0]) ** attack,
        "decay": DECAY_SECONDS[0] * (DECAY_SECONDS[1] / DECAY_SECONDS[0]) ** decay,
        "level": level,
    }


def synthesise(parameters: list[torch.Tensor], samples: int, sample_rate: int) -> torch.Tensor:
    """The tune [shape=(sample,)]: harmonics that fall by 6 dB per octave under an attack and an exponential decay."""
    note = notes_of(parameters)
    time = torch.arange(samples, device=parameters[0].device) / sample_rate
    since = time[None] - note["onset"][:, None] * (samples / sample_rate)
    # The edge of a note is a steep sigmoid, so that its onset has a gradient.
    rise = torch.sigmoid(4 * since / note["attack"][:, None] - 2)
    envelope = rise * torch.exp(-since.clamp_min(0) / note["decay"][:, None])
    hertz = 440.0 * 2 ** ((note["pitch"] - 69) / 12)
    wave = torch.zeros_like(since)
    for harmonic in range(1, HARMONICS + 1):
        heard = (hertz * harmonic < 0.45 * sample_rate).float()[:, None]
        wave = wave + heard / harmonic * torch.sin(2 * np.pi * harmonic * hertz[:, None] * since)
    return (note["level"][:, None] * envelope * wave).sum(0)


ATTACK = Music

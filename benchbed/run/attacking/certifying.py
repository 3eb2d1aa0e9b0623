"""Certificates of a smoothed model beside what attacks leave of it: what is certain is never more than what is left."""

from __future__ import annotations

import numpy as np

from benchbed.attack.certificate import ALPHA, COUNTING, Certificate, certify
from benchbed.run.attacking.goal import AttackedClip
from benchbed.run.attacking.sources import view_behind
from benchbed.run.attacking.victim import untouched
from benchbed.run.attacking.view import View
from benchbed.run.attacking.work import Attacked, Work

#: Columns: whether a clip is certain at its budget, the SNR in dB above which nothing changes its vote, the L2 norm
#: below which nothing does (0 where it is wrong or abstains), and whether it abstains.
CERTIFIED, LEVEL, RADIUS, ABSTAINED = "certified", "certified_snr", "certified_radius", "certificate_abstained"


def certify_clips(work: Work, finished: list[Attacked]) -> None:
    """Put into the facts of finished clips whether each is certain at its budget, for a smoothed model and L2 budgets.

    Parameters
    ----------
    work : Work
        The unit.
    finished : list of Attacked
        Every clip at every budget.
    """
    adapter, sigma = work.engine.adapter, work.engine.adapter.smoothing
    sound = work.condition.space == "waveform" and work.condition.threat == "l2"
    if sigma is None or adapter.undefended is None or work.task.scored or not sound:
        return
    view, levels, abstained = view_behind(work.engine, adapter.undefended), dict[int, float](), 0
    certificates: dict[int, Certificate] = {}
    with untouched(adapter.undefended):
        for sample in {done.sample.index: done.sample for done in finished}.values():

            def certified(sample: AttackedClip = sample) -> Certificate:
                random = work.stream("certificate", sample.index)
                size = view.fits(sample.samples)
                return certify(_Votes(view, sample), sample.made.waveform, sigma, random, batch=size)

            # The same certificate for every condition: nothing of an attack is in it.
            key = "certificate", work.unit.split, work.engine.shard.records[sample.index]["clip_id"]
            certificates[sample.index] = certificate = work.engine.once(key, certified)
            abstained += certificate.label is None
            right = certificate.label is not None and certificate.label == sample.truth
            levels[sample.index] = certificate.snr(sample.made.waveform) if right else float("inf")
    for done in finished:
        level, budget = levels[done.sample.index], done.cell.budget
        assert budget is not None
        # A budget of 30 dB allows less than one of 20 dB: certain is what is softer than the certificate's level.
        done.facts[CERTIFIED] = bool(budget > level)
        done.facts[LEVEL] = level if np.isfinite(level) else None
        certificate = certificates[done.sample.index]
        done.facts[RADIUS] = certificate.radius if certificate.label == done.sample.truth else 0.0
        done.facts[ABSTAINED] = certificate.label is None
    text = f"noise of {sigma:g}, {COUNTING} draws, confidence {1 - ALPHA:g}"
    work.note("certificate_of", len(levels), abstained, text=text)


class _Votes:
    """Classes that the model behind the vote answers to noisy copies of one clip."""

    def __init__(self, view: View, sample: AttackedClip) -> None:
        self.view, self.sample = view, sample

    def __call__(self, waveforms: np.ndarray) -> np.ndarray:
        samples, seconds = self.sample.samples, self.sample.seconds
        answers, usable = self.view.aligned(self.view.raw(waveforms, samples), samples, seconds)
        classes: np.ndarray = np.where(usable, np.nan_to_num(answers, nan=-np.inf).argmax(1), -1)
        return classes

"""Models with several exits: what each costs and scores, and what leaving early at a confidence saves.

An adapter that has exits yields their scores one after the other (`exits(waveforms)`), cheapest first, so that the work
up to an exit is what was done up to its yield. Costs are cumulative: a clip that leaves at the second exit has paid for
the first one's head too, as in a cascade.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbed.adapter.surroundings import if_any
from benchbed.errors import AdapterError, CannotMeasure
from benchbed.profile.counts import figure, milliseconds, missing
from benchbed.profile.network import network_of

if TYPE_CHECKING:
    import torch

    from benchbed.adapter.contract import Adapter


@dataclass(frozen=True)
class ExitCosts:
    """Cumulative cost of every exit, for one clip.

    Attributes
    ----------
    macs : list of int
        Multiply-accumulates up to the exit, front end left out.
    seconds : list of float
        Median time up to the exit, front end included.
    """

    macs: list[int]
    seconds: list[float]


def exit_costs(adapter: Adapter, seconds: float, *, repeats: int = 15) -> ExitCosts:
    """Cost of every exit.

    Raises
    ------
    AdapterError
        `exits` yields nothing.
    """
    import torch

    from benchbed.profile.clock import clock_for
    from benchbed.profile.macs import network_macs, noise
    from benchbed.profile.trace import trace_forward

    exits, model, device = _exits(adapter), network_of(adapter), str(adapter.device)
    waveforms = noise(adapter, seconds).to(device)
    counts: list[int] = []
    while True:
        number = len(counts) + 1

        def first(waveforms: Any, number: int = number) -> list[Any]:
            taken = []
            for scores in exits(waveforms):
                taken.append(scores)
                if len(taken) == number:
                    break
            return taken

        trace, taken = trace_forward(model, first, waveforms)
        if len(taken) < number:
            break
        counts.append(network_macs(trace))
    if not counts:
        raise AdapterError("exits() yields no scores", hint="yield the scores of every exit, cheapest first")
    clock, runs = clock_for(device), []
    for number in range(repeats + 3):
        marks = []
        with torch.inference_mode():
            clock.wait()
            begun = time.perf_counter()
            for _ in exits(waveforms):
                clock.wait()
                marks.append(time.perf_counter() - begun)
        if number >= 3:
            runs.append(marks)
    return ExitCosts(counts, [float(value) for value in np.median(np.array(runs), axis=0)])


def exit_scores(adapter: Adapter, waveforms: np.ndarray) -> np.ndarray:
    """Scores of every exit for a batch.

    Returns
    -------
    np.ndarray [shape=(exit, clip, class), float32]
    """
    import torch

    with torch.inference_mode(), if_any(adapter):
        tensor = torch.from_numpy(np.array(waveforms, order="C")).to(adapter.device)
        return np.stack([scores.float().cpu().numpy().copy() for scores in _exits(adapter)(tensor)])


def _exits(adapter: Adapter) -> Callable[[torch.Tensor], Iterator[torch.Tensor]]:
    if adapter.exits is None:
        raise AdapterError(f"{adapter.card.name} has no exits")
    return adapter.exits


def threshold_curve(
    probabilities: np.ndarray, target: np.ndarray, costs: Sequence[float], thresholds: Sequence[float] | None = None
) -> list[dict[str, Any]]:
    """Accuracy against mean cost where a clip leaves at the first exit that is confident enough.

    Parameters
    ----------
    probabilities : np.ndarray [shape=(exit, clip, class)]
        Probabilities of every exit.
    target : np.ndarray [shape=(clip,)]
        Class numbers.
    costs : sequence of float
        Cumulative cost of every exit.
    thresholds : sequence of float, optional
        Confidences (largest probability) at which a clip leaves; 0 sends all to the first exit, above 1 to the last.

    Returns
    -------
    list of dict
        `threshold`, `accuracy`, `mean_cost`, and `share`: the share of clips that leaves at each exit.

    Examples
    --------
    >>> sure, unsure = [0.9, 0.1], [0.6, 0.4]
    >>> exits = np.array([[sure, unsure], [sure, [0.2, 0.8]]])
    >>> curve = threshold_curve(exits, np.array([0, 1]), [1.0, 3.0], [0.0, 0.8])
    >>> [(point["accuracy"], point["mean_cost"]) for point in curve]
    [(0.5, 1.0), (1.0, 2.0)]
    """
    exits, clips, _ = _checked(probabilities, target, costs)
    confidence, correct = probabilities.max(-1), probabilities.argmax(-1) == np.asarray(target)
    wanted = np.asarray([*np.linspace(0, 1, 21), 1.01] if thresholds is None else thresholds, dtype=float)
    curve = []
    for threshold in wanted:
        confident = confidence >= threshold
        confident[-1] = True
        left = confident.argmax(axis=0)
        curve.append(
            {
                "threshold": float(threshold),
                "accuracy": float(correct[left, np.arange(clips)].mean()),
                "mean_cost": float(np.asarray(costs, dtype=float)[left].mean()),
                "share": [float((left == number).mean()) for number in range(exits)],
            }
        )
    return curve


def budget_accuracy(probabilities: np.ndarray, target: np.ndarray, costs: Sequence[float]) -> dict[str, float]:
    """Anytime evaluation: every clip has a budget drawn evenly from zero to the whole cost, and the last exit that fits
    it answers; a budget below the first exit gives no answer, which is wrong.

    The mean over all budgets is exact, not sampled.

    Examples
    --------
    >>> exits = np.array([[[0.9, 0.1]], [[0.9, 0.1]]])
    >>> budget_accuracy(exits, np.array([0]), [1.0, 4.0])
    {'accuracy': 0.75, 'mean_cost': 0.75}
    """
    _checked(probabilities, target, costs)
    accuracy = (probabilities.argmax(-1) == np.asarray(target)).mean(axis=1)
    edges = np.append(np.asarray(costs, dtype=float), float(costs[-1]))
    # Budgets between the cost of an exit and of the next one end at this exit; the last exit takes the whole cost.
    weight = np.diff(edges) / edges[-1]
    return {"accuracy": float(weight @ accuracy), "mean_cost": float(weight @ np.asarray(costs, dtype=float))}


def practical(scores: Sequence[float]) -> list[bool]:
    """Whether an exit is worth its cost: better than every exit before it (the higher score is the better one).

    Examples
    --------
    >>> practical([0.70, 0.69, 0.80])
    [True, False, True]
    """
    return [all(score > earlier for earlier in scores[:number]) for number, score in enumerate(scores)]


def exits_report(
    adapter: Adapter, seconds: float, probabilities: np.ndarray | None = None, target: np.ndarray | None = None
) -> dict[str, Any]:
    """What a profile says about exits; scores only where labelled clips are given."""
    try:
        costs = exit_costs(adapter, seconds)
    except Exception as error:  # `exits` is the adapter's code
        return {"reason": f"exits() cannot be run: {type(error).__name__}: {error}"}
    accuracies: list[float] = []
    clips = 0 if target is None else len(target)
    if probabilities is not None and target is not None:
        accuracies = [float(value) for value in (probabilities.argmax(-1) == target).mean(axis=1)]
    useful = practical(accuracies) if accuracies else []
    figures: dict[str, Any] = {}
    for number, (macs, spent) in enumerate(zip(costs.macs, costs.seconds)):
        part: dict[str, Any] = {
            "macs": figure(macs, "MACs", "cumulative, heads of earlier exits included, without the front end"),
            "latency": milliseconds(spent, "cumulative median, one clip, front end included"),
            "accuracy": missing("fraction", "no labelled clips"),
        }
        if accuracies:
            part["accuracy"] = figure(accuracies[number], "fraction", "share of correct clips, clean", clips=clips)
            part["practical"] = useful[number]
        figures[f"exit_{number + 1}"] = part
    if probabilities is not None and target is not None:
        figures["threshold_curve"] = threshold_curve(probabilities, target, [float(value) for value in costs.macs])
        anytime = budget_accuracy(probabilities, target, [float(value) for value in costs.macs])
        figures["anytime"] = {
            "accuracy": figure(anytime["accuracy"], "fraction", "budget drawn evenly from 0 to the last exit's MACs"),
            "mean_macs": figure(anytime["mean_cost"], "MACs", "spent under those budgets"),
        }
    return figures


def _checked(probabilities: np.ndarray, target: np.ndarray, costs: Sequence[float]) -> tuple[int, int, int]:
    if probabilities.ndim != 3 or probabilities.shape[1] != len(target) or probabilities.shape[0] != len(costs):
        raise CannotMeasure(
            f"exits have the shape {list(probabilities.shape)}, for {len(costs)} costs and {len(target)} clips"
        )
    if not len(target):
        raise CannotMeasure("exits are compared on no clip")
    if any(later < earlier for earlier, later in pairwise(costs)):
        raise CannotMeasure(f"costs of exits must grow, these are {list(costs)}")
    return probabilities.shape[0], probabilities.shape[1], probabilities.shape[2]

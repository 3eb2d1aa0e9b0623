"""What the corruption cells of a run say together: robustness figures of the primary metric, and flip rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np

from benchbed.errors import ConfigError
from benchbed.metrics.contract import MetricInfo
from benchbed.metrics.folds import Fold
from benchbed.metrics.number import Number, number
from benchbed.metrics.robust_scores import Corrupted, ReferenceErrors, robustness_scores
from benchbed.metrics.robustness import flip_rate
from benchbed.nesting import json_of
from benchbed.outputs.contract import Output
from benchbed.perturb import CORRUPTIONS
from benchbed.results import record
from benchbed.results.conditions import setting, spoken, strengths
from benchbed.run.scoring.aggregate import ScoredCell
from benchbed.suite.load import LoadedSuite

#: Figures that are held against those of a reference, on all of its clips.
_OVER = ("mce", "relative_mce")
_FLIPS = MetricInfo("Flip rate", "flip-rate:pairs-of-draws", "fraction", "lower", low=0.0, high=1.0)


def robust_figures(
    cells: Sequence[record.Cell],
    scored: Mapping[str, ScoredCell],
    primary: str,
    reference: ReferenceErrors | None,
    output: Output | None = None,
) -> dict[str, Number]:
    """Robustness figures of every split that has a clean cell and corruptions.

    Parameters
    ----------
    output : Output, optional
        What the answers are: where they are no scores of classes, it says which of two are the same.

    Returns
    -------
    dict of str to Number
        `robustness:FIGURE`, or `robustness:SPLIT:FIGURE` where there are several splits; `flip_rate:CELL` for cells
        with several draws.
    """
    scores: dict[str, Number] = {}
    splits = list(dict.fromkeys(cell.split for cell in cells))
    told = strengths(cells)
    for split in splits:
        mine = [cell for cell in cells if cell.split == split]
        clean = next((cell for cell in mine if cell.condition.kind == "clean"), None)
        # A cell whose condition could not apply to any clip is no figure of that condition.
        measured = [c for c in mine if c.condition.severity is not None and c.metrics[primary].value is not None]
        for cell in measured:
            if cell.condition.draws > 1:
                flips = _flips(scored[cell.key], cell.condition.draws, output)
                about = replace(flips.info, scope=spoken(cell.key.split("/", 2)[2], told))
                scores[f"flip_rate:{cell.key}"] = replace(flips, info=about)
        if clean is None or not measured:
            continue
        base = scored[clean.key]
        figures = robustness_scores(
            base.scores.metrics[primary],
            base.scores.replicates.get(primary),
            [_corrupted(cell, scored[cell.key], primary) for cell in measured],
            base.bootstrap,
            reference,
        )
        thin = [spoken(cell.key.split("/", 2)[2], told) for cell in measured if not cell.ranked]
        if thin:
            why = f"more than 5 % of the clips were skipped under {'; '.join(thin)}"
            figures = {name: _without(figure, why) if name in _OVER else figure for name, figure in figures.items()}
        figures |= _broken(figures, measured)
        prefix = "robustness:" if len(splits) == 1 else f"robustness:{split}:"
        where = "" if len(splits) == 1 else split
        scores |= {f"{prefix}{name}": _about(name, figure, where) for name, figure in figures.items()}
    return scores


def _broken(figures: Mapping[str, Number], cells: list[record.Cell]) -> dict[str, Number]:
    """Breakdown severities, each with what it is in its unit."""
    found = {}
    for cell in cells:
        name = f"breakdown/{_named(cell)}"
        figure = figures.get(name)
        if figure is not None and figure.value == cell.condition.severity and cell.condition.parameter is not None:
            found[name] = replace(figure, note=setting(cell.condition))
    return found


def _named(cell: record.Cell) -> str:
    # `white_noise@3#2`: the second time that white noise stands in the suite is another curve.
    return cell.condition.name + (f"#{cell.key.rpartition('#')[2]}" if "#" in cell.key else "")


def _without(figure: Number, why: str) -> Number:
    return number(float("nan"), figure.info, 0, undefined=why)


def _about(name: str, number: Number, split: str) -> Number:
    """A figure that says which corruption and which split it is about, where it is about one."""
    of_group = name.startswith("group/")
    about = ["" if of_group else name.partition("/")[2].replace("_", " "), split]
    scope = ", ".join(part for part in (number.info.scope, *about) if part)
    return replace(number, info=replace(number.info, scope=scope))


def _corrupted(cell: record.Cell, scored: ScoredCell, primary: str) -> Corrupted:
    condition = cell.condition
    assert condition.severity is not None
    name = _named(cell)
    # Of a transform of another library the parameter is a set of arguments, and the SNR what was measured.
    level = condition.parameter
    if isinstance(level, dict):
        level = (condition.achieved or {}).get("median")
    snr = condition.unit if level is not None and (condition.unit or "").startswith("dB SNR") else None
    return Corrupted(
        name,
        condition.severity,
        condition.group or "other",
        scored.scores.metrics[primary],
        scored.scores.replicates.get(primary),
        None if snr is None or level is None else float(level),
        snr or "dB SNR",
    )


def _flips(scored: ScoredCell, draws: int, output: Output | None) -> Number:
    # Rows are sorted by clip, then draw; a clip that lost a draw has no pairs.
    said = scored.read()
    whole = np.bincount(said.position)[said.position] == draws
    fold = replace(said.fold, **{name: getattr(said.fold, name)[whole] for name in ("scores", "target", "group")})
    if not len(fold.scores):
        return number(float("nan"), _FLIPS, 0, undefined="no clip has all its draws")
    if output is not None and not output.decides:
        return number(float("nan"), _FLIPS, 0, undefined=f"{output.name} decides nothing that could flip")
    if output is not None and not output.class_scores:
        per_clip, info = _other(fold, draws, output), replace(_FLIPS, rule=f"{_FLIPS.rule}:{output.name}-not-the-same")
    else:
        per_clip, info = _flipped(fold, draws)
    groups = fold.group.reshape(-1, draws)[:, 0]
    sums = np.stack(
        [np.bincount(groups, per_clip, fold.bootstrap.groups), np.bincount(groups, minlength=fold.bootstrap.groups)],
        axis=1,
    )
    drawn = fold.bootstrap.replicates(sums) if fold.bootstrap.draws else None
    replicates = None if drawn is None else drawn[:, 0] / np.maximum(drawn[:, 1], 1)
    return number(float(per_clip.mean()), info, len(per_clip), replicates=replicates, bootstrap=fold.bootstrap)


def _other(fold: Fold, draws: int, output: Output) -> np.ndarray:
    """Share of pairs of draws that get another answer, where answers are no scores of classes [shape=(clip,)]."""
    pairs = list(combinations(range(draws), 2))
    differ = [output.gap(fold.scores[one::draws], fold.scores[two::draws]) > 0 for one, two in pairs]
    rates: np.ndarray = np.mean(differ, axis=0)
    return rates


def _flipped(fold: Fold, draws: int) -> tuple[np.ndarray, MetricInfo]:
    """Share of pairs of draws that decide differently [shape=(clip,)], and what that is."""
    frames, single = fold.scores.dtype == object, fold.target.ndim == 1
    if single and not frames:
        return flip_rate(fold.scores.argmax(1).reshape(-1, draws).T), _FLIPS
    rows = [one.scores if frames else one for one in fold.scores]
    # Every class, of every frame, is a decision of its own.
    on = [np.stack([row >= 0.5 for row in rows[i : i + draws]]).sum(0) for i in range(0, len(rows), draws)]
    pairs = draws * (draws - 1) / 2
    rates = np.array([float(np.mean(count * (draws - count) / pairs)) for count in on])
    return rates, replace(_FLIPS, rule=f"{_FLIPS.rule}:{'frames' if frames else 'tags'}-at-0.5")


def load_reference(
    loaded: LoadedSuite, dataset: str, primary: str, index_hash: str
) -> tuple[ReferenceErrors | None, list[record.Check]]:
    """The mCE reference of the suite, if it was measured on these very clips in this metric.

    The file is JSON: `name`, `version`, `dataset`, `metric`, `index_hash`, `clean` (error), `errors` (corruption →
    severity → error), and `corruptions` (their versions).

    Returns
    -------
    reference : ReferenceErrors or None
        None where the suite names none, or one that is about something else.
    checks : list of Check
        Why a reference that the suite names was not used, or which of its corruptions have changed since.

    Raises
    ------
    ConfigError
        The file is missing or is not a reference.
    """
    wanted = loaded.suite.metrics.mce_reference
    if wanted is None:
        return None, []
    where = loaded.where("metrics", "mce_reference")
    path = loaded.path.parent / wanted
    try:
        raw = json_of(Path(path).read_text(encoding="utf-8"))
        errors = {c: {int(s): float(e) for s, e in table.items()} for c, table in raw["errors"].items()}
        reference = ReferenceErrors(f"{raw['name']}-{raw['version']}", float(raw["clean"]), errors)
        versions = {str(name): int(version) for name, version in raw.get("corruptions", {}).items()}
        about = {"dataset": raw["dataset"], "metric": raw["metric"], "clips": raw["index_hash"]}
    except OSError as error:
        raise ConfigError(f"the mCE reference {wanted} cannot be read: {error.strerror}", where=where) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"{wanted} is no mCE reference ({type(error).__name__}: {error})", where=where) from error
    # Errors on some clips over errors on others would make a figure that nobody could read.
    here = {"dataset": dataset, "metric": primary, "clips": index_hash}
    other = [name for name in about if about[name] != here[name]]
    if not other:
        return reference, _changed_since(reference.name, versions)
    why = f"mCE is not computed: {reference.name} was measured with another {', '.join(other)}"
    return None, [record.Check(name="mce_reference", status="skipped", message=why)]


def _changed_since(name: str, versions: Mapping[str, int]) -> list[record.Check]:
    """What is said where corruptions have another version than those that a reference was measured with."""
    today = {one: CORRUPTIONS.get(one).CORRUPTION.version for one in versions if one in CORRUPTIONS.names()}
    changed = [f"{one} (version {versions[one]}, now {now})" for one, now in today.items() if now != versions[one]]
    if not changed:
        return []
    why = f"mCE divides by errors of {name} that were measured with other versions of {', '.join(changed)}"
    return [record.Check(name="mce_reference", status="warn", message=why)]

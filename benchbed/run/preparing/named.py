"""Everything that a suite names, asked of the registries that have it: layouts, corruptions, attacks, goals, metrics,
their options and units. No data, no model and no audio are needed, so `validate` knows what `run` would refuse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchbed.adapter.load import shipped_adapters
from benchbed.checkpoints import parted
from benchbed.data import LAYOUTS
from benchbed.errors import BenchbedError, ConfigError, PackageError, did_you_mean
from benchbed.metrics import FAMILIES
from benchbed.metrics.dcase_task1 import rule
from benchbed.perturb import resolve
from benchbed.run.scoring.families import metric_family
from benchbed.suite.conditions import AttackCondition, CorruptionCondition
from benchbed.suite.load import LoadedSuite
from benchbed.suite.marks import Place
from benchbed.suite.options import Taking, check_options

#: Classes that stand for those of the dataset, which nobody has opened.
CLASSES = ("one", "other")
#: Collars, resolutions and filters longer than this in seconds were meant in milliseconds.
LONGEST_SECONDS = 600.0
_SECONDS = ("onset_collar", "offset_collar", "resolution", "median_seconds")


def check_names(loaded: LoadedSuite, *, without_data: bool = False) -> None:
    """Refuse a suite that names what does not exist, or asks for what cannot be.

    Parameters
    ----------
    loaded : LoadedSuite
        The suite.
    without_data : bool
        Nobody will open the dataset: splits and columns are held against those that every set of the layout has.

    Raises
    ------
    ConfigError
        The first fault with its line, and the places of the others.
    """
    faults = _Faults(loaded.suite.data.layout if without_data and not loaded.suite.data.options else "")
    for part in (_data, _conditions, _metrics, _post_processing, _slices, _costs):
        part(loaded, faults)
    faults.refuse()


class _Faults:
    """What is wrong with a suite, so that all of it can be said at once."""

    def __init__(self, official: str = "") -> None:
        self.found: list[BenchbedError] = []
        #: Layout whose sets all have the same splits and columns.
        self.official = official

    @contextmanager
    def looked_for(self, where: str | None = None) -> Iterator[None]:
        """Keep an error of the block, with a place if it has none."""
        try:
            yield
        except (TypeError, ValueError) as error:
            self.found.append(ConfigError(str(error), where=where))
        except BenchbedError as error:
            place = error.where or where
            if isinstance(error, PackageError) and error.where and where and where not in error.where:
                place = f"{error.where}, asked for at {where}"
            self.found.append(ConfigError(error.what, where=place, hint=error.hint))

    def refuse(self) -> None:
        """Raise the first fault and name the others."""
        if not self.found:
            return
        first, rest = self.found[0], self.found[1:]
        if rest:
            more = "".join(f"\n    {str(fault.where).splitlines()[0]}: {fault.what}" for fault in rest[:5])
            tail = f"\n    … and {len(rest) - 5} more" if len(rest) > 5 else ""
            hint = f"{first.hint or 'mend this line'}; then mend also{more}{tail}"
            raise ConfigError(first.what, where=first.where, hint=hint)
        raise first


def _data(loaded: LoadedSuite, faults: _Faults) -> None:
    data = loaded.suite.data
    with faults.looked_for():
        read = LAYOUTS.get(data.layout, where=loaded.where("data", "layout")).read
        for name, value in data.options.items():
            with faults.looked_for(loaded.where("data", "options", name)):
                check_options(f"the layout {data.layout}", read, {name: value})
        for number, split in enumerate(data.splits):
            with faults.looked_for(loaded.where("data", "splits", number)):
                both = parted(split) if loaded.suite.sequence else None
                _one_of(faults.official, "SPLITS", "split", both[1] if both else split)
        if data.train_split is not None and "{split}" not in data.train_split:
            with faults.looked_for(loaded.where("data", "train_split")):
                _one_of(faults.official, "SPLITS", "split", data.train_split)
        with faults.looked_for(loaded.where("data", "group")):
            _one_of(faults.official, "COLUMNS", "column", data.group)


def _conditions(loaded: LoadedSuite, faults: _Faults) -> None:
    for index, condition in enumerate(loaded.suite.conditions):
        with faults.looked_for(loaded.where("conditions", index)):
            if isinstance(condition, CorruptionCondition):
                _corruption(loaded, ("conditions", index), condition)
            elif isinstance(condition, AttackCondition):
                _attack(loaded, ("conditions", index), condition, faults)


def _corruption(loaded: LoadedSuite, place: Place, condition: CorruptionCondition) -> None:
    name = condition.corruption
    where = loaded.where(*place, "corruption")
    if name.startswith("audiomentations:") and not _installed("audiomentations"):
        return  # it can only be asked where it is; a run on this machine says that it is not
    resolve(name, None if ":" not in name else condition.parameters, None, where=where)
    if ":" in name:
        return
    for option in condition.options:
        resolve(name, None, {option: None}, where=loaded.where(*place, "options", option))
    found = resolve(name, condition.parameters, None, where=loaded.where(*place, "parameters"))
    worst = max(condition.severities)
    if worst > len(found.parameters):
        raise ConfigError(
            f"{name} has {len(found.parameters)} severities, {worst} is asked",
            where=loaded.where(*place, "severities"),
            hint=f"severities are counted from 1 to {len(found.parameters)}; `parameters` gives others in {found.unit}",
        )


def _attack(loaded: LoadedSuite, place: Place, condition: AttackCondition, faults: _Faults) -> None:
    # Only suites with attacks pay for importing torch, which attacks are written in.
    from benchbed.attack import ATTACKS, BRIDGED
    from benchbed.attack import resolve as attack
    from benchbed.attack.ensemble import PRESETS
    from benchbed.run.attacking.aim import aim_of
    from benchbed.run.attacking.ensembles import ensemble_of, threats
    from benchbed.run.attacking.goals import settle
    from benchbed.run.scoring.success import declared

    name, task = condition.attack, loaded.suite.task
    if name.startswith(BRIDGED):
        if not _installed("torchattacks"):
            return
    elif name not in (*PRESETS, *ATTACKS.names()):
        known = (*PRESETS, *ATTACKS.names())
        hint = did_you_mean(name, known) or f"known: {', '.join(known)}"
        raise ConfigError(f"unknown attack '{name}'", where=loaded.where(*place, "attack"), hint=hint)
    with faults.looked_for(loaded.where(*place, "budgets")):
        threats(condition)
    for number, source in enumerate(condition.sources):
        with faults.looked_for(loaded.where(*place, "sources", number)):
            _adapter(loaded, source)
    before = len(faults.found)
    with faults.looked_for(loaded.where(*place, "goal")):
        aim_of(condition, task)
    if name in ATTACKS.names():
        for option, value in condition.options.items():
            with faults.looked_for(loaded.where(*place, "options", option)):
                attack(name, {option: value})
    if len(faults.found) > before:
        return  # what follows would say the same again
    with faults.looked_for(loaded.where(*place, "options" if condition.options else "attack")):
        ensemble_of(condition, task)
    if condition.target_class is None:
        with faults.looked_for(loaded.where(*place, "success")):
            settle(task, condition, CLASSES, declared(loaded, CLASSES))


def _metrics(loaded: LoadedSuite, faults: _Faults) -> None:
    metrics, before = loaded.suite.metrics, len(faults.found)
    parts: list[tuple[str, Mapping[str, object], Place]] = [(metrics.family, metrics.options, ("metrics",))]
    parts += [(part.family, part.options, ("metrics", "further", i)) for i, part in enumerate(metrics.further)]
    for family, options, place in parts:
        with faults.looked_for(loaded.where(*place, "options")):
            _family(loaded, family, options, place)
    if metrics.mce_reference is not None:
        with faults.looked_for(loaded.where("metrics", "mce_reference")):
            _file(loaded, metrics.mce_reference)
    part = loaded.suite.post_processing
    per_class = part is not None and (isinstance(part.threshold, dict) or isinstance(part.median_seconds, dict))
    if len(faults.found) > before or per_class or any(o != _for_any_classes(o) for _, o, _ in parts):
        return  # said already, or values of classes that only the dataset knows; a run asks again
    with faults.looked_for(loaded.where("metrics")):
        metric_family(loaded, CLASSES)


def _family(loaded: LoadedSuite, family: str, options: Mapping[str, object], place: Place) -> None:
    function = FAMILIES.get(family, where=loaded.where(*place, "family")).family
    _options(loaded, f"the metric family {family}", function, options, (*place, "options"))
    made = function(CLASSES, **_for_any_classes(options))
    if made.output != loaded.suite.task:
        raise ConfigError(
            f"the metric family {family} is about {made.output}, the suite's task is {loaded.suite.task}",
            where=loaded.where(*place, "family"),
        )


def _post_processing(loaded: LoadedSuite, faults: _Faults) -> None:
    part = loaded.suite.post_processing
    if part is None:
        return
    for name in ("threshold", "median_seconds"):
        given = getattr(part, name)
        for key, value in given.items() if isinstance(given, dict) else [(None, given)]:
            place: Place = ("post_processing", name) if key is None else ("post_processing", name, key)
            with faults.looked_for(loaded.where(*place)):
                _within(name, value)
    if part.frozen is not None:
        with faults.looked_for(loaded.where("post_processing", "frozen")):
            _file(loaded, part.frozen)
    if part.tune is not None:
        place = ("post_processing", "tune", "options")
        with faults.looked_for():
            _options(loaded, "the family sed_best", FAMILIES.get("sed_best").family, part.tune.options, place)


def _slices(loaded: LoadedSuite, faults: _Faults) -> None:
    seen: set[str] = set()
    for index, part in enumerate(loaded.suite.slices):
        with faults.looked_for(loaded.where("slices", index, "column")):
            _one_of(faults.official, "COLUMNS", "column", part.column)
            if part.column in seen:
                raise ConfigError(f"results are cut by the column '{part.column}' twice")
        seen.add(part.column)
        with faults.looked_for(loaded.where("slices", index, "seen_unseen")):
            if part.seen_unseen and loaded.suite.data.train_split is None:
                raise ConfigError("`seen_unseen` needs `data.train_split`, whose values are the seen ones")
        for number, column in enumerate(part.matched.content if part.matched else ()):
            with faults.looked_for(loaded.where("slices", index, "matched", "content", number)):
                _one_of(faults.official, "COLUMNS", "column", column)
    for number, column in enumerate(loaded.suite.view.by if loaded.suite.view else ()):
        with faults.looked_for(loaded.where("view", "by", number)):
            _one_of(faults.official, "COLUMNS", "column", column)
    for number, column in enumerate(loaded.suite.audio.side_information):
        with faults.looked_for(loaded.where("audio", "side_information", number)):
            _one_of(faults.official, "COLUMNS", "column", column)


def _one_of(layout: str, fact: str, called: str, name: str) -> None:
    """Refuse a split or column that no set of the layout has; a user's own table may have any."""
    known: tuple[str, ...] = getattr(LAYOUTS.get(layout), fact, ()) if layout in LAYOUTS.names() else ()
    if known and name not in (*known, *(("group", "label") if called == "column" else ())):
        hint = did_you_mean(name, known) or f"its {called}s: {', '.join(known)}"
        raise ConfigError(f"the layout {layout} has no {called} '{name}'", hint=hint)


def _costs(loaded: LoadedSuite, faults: _Faults) -> None:
    suite = loaded.suite
    if suite.compliance is not None:
        with faults.looked_for(loaded.where("compliance", "rule")):
            rule(suite.compliance.rule)
    for name in ("latency", "energy"):
        reference = getattr(getattr(suite.profile, name, None), "reference", None)
        if reference is not None:
            with faults.looked_for(loaded.where("profile", name, "reference")):
                _adapter(loaded, reference)


def _options(loaded: LoadedSuite, owner: str, function: Taking, options: Mapping[str, object], place: Place) -> None:
    for name, value in options.items():
        where = loaded.where(*place, name)
        check_options(owner, function, {name: value}, lambda name: loaded.where(*place, name))
        _within(name, value, where)


def _within(name: str, value: object, where: str | None = None) -> None:
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, bool) or not isinstance(each, int | float):
            continue
        if name in _SECONDS and not 0 <= each <= LONGEST_SECONDS:
            hint = "in seconds, e.g. 0.2, not in milliseconds"
            raise ConfigError(f"{name} of {each:g} s", where=where, hint=hint)
        if name == "threshold" and not 0 <= each <= 1:
            hint = "scores are probabilities: from 0 to 1"
            raise ConfigError(f"a threshold of {each:g}", where=where, hint=hint)


def _for_any_classes(options: Mapping[str, object]) -> dict[str, object]:
    """Options without those that are about the classes of the dataset, which nobody knows yet."""
    per_class = ("threshold", "median_seconds", "median_frames")
    return {k: v for k, v in options.items() if k != "taxonomy" and not (k in per_class and isinstance(v, list | dict))}


def _file(loaded: LoadedSuite, name: str) -> None:
    if not (loaded.path.parent / name).is_file():
        raise ConfigError(f"there is no file {name}", hint=f"it is looked for from {loaded.path.parent}")


def _adapter(loaded: LoadedSuite, spec: str) -> None:
    name, known = spec.partition(":")[0], shipped_adapters()
    path = Path(name)
    if name in known or path.stem in known or (path.suffix != ".py" and "." in name):
        return  # a module is found by importing it, which a run does
    if not any(place.is_file() for place in (path, loaded.path.parent / path)):
        hint = did_you_mean(path.stem, known) or f"shipped adapters: {', '.join(known)}"
        raise ConfigError(f"there is no adapter '{spec}'", hint=hint)


def _installed(package: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(package) is not None

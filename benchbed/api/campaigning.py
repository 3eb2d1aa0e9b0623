"""Many models on many suites in one call: what is finished is left alone, a failure takes nothing else along."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbed.api.apart import wanted
from benchbed.api.asked import AskedModel
from benchbed.api.measuring import loaded_suite
from benchbed.api.run import Run
from benchbed.api.runs import Runs
from benchbed.api.several import TOGETHER, Follower, run_each
from benchbed.api.sweeping import swept
from benchbed.campaigns.load import LoadedCampaign, load_campaign, model_name, suite_name
from benchbed.campaigns.state import CampaignState, NotedRun
from benchbed.errors import BenchbedError

if TYPE_CHECKING:
    from benchbed.run.job.cluster import ClusterAsked
    from benchbed.run.job.limits import Limits
    from benchbed.run.progress import Progress
    from benchbed.run.session import Prepared, Settings
    from benchbed.suite.load import LoadedSuite


@dataclass
class CampaignOutcome:
    """What became of a campaign.

    Attributes
    ----------
    name : str
        Of the campaign.
    runs : Runs
        Of all suites and models, in the campaign's order; errors by `suite/model`.
    places : dict of str to Run
        The same by `suite/model`.
    kept : list of str
        Those that were finished before and are unchanged.
    """

    name: str
    runs: Runs = field(default_factory=Runs)
    places: dict[str, Run] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Step:
    """One suite × one model of a campaign."""

    key: str
    loaded: LoadedSuite
    model: AskedModel
    settings: Settings
    asked: str
    data: str
    evaluations: int

    def shares_audio(self, other: _Step) -> bool:
        """Whether another step hears the same, and may take turns with this one."""
        return self.loaded is other.loaded and self.settings == other.settings


def campaign(
    file: str | Path,
    *,
    out: str | Path = "runs",
    workers: int = 1,
    cluster: ClusterAsked | None = None,
    limits: Limits | None = None,
    again: bool = False,
    report: bool = True,
    progress: bool = False,
    isolate: bool | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> CampaignOutcome:
    """Run every model of a campaign file on every suite of it.

    A run that is finished is left alone as long as its record, its suite, its model's files, its data, and benchbed are
    what they were; that is asked without loading the model. What is not finished continues where it was.

    Parameters
    ----------
    file : str or Path
        The campaign; see `benchbed.campaigns.model.Campaign`.
    out : str or Path
        Folder of runs; `<name>.campaign.json` in it says how far the campaign is.
    workers : int
        As of `benchbed.run`; 0 with a cluster for as many as it has room for.
    cluster : ClusterAsked, optional
        A Ray cluster that computes.
    limits : Limits, optional
        What the process of a model may take.
    again : bool
        Look at every run anew, also at finished ones.
    report : bool
        Write the page of each run.
    progress : bool
        Show one progress of all runs on standard error.
    isolate : bool, optional
        As in `benchbed.run`.
    tell : callable
        Takes what a person should read, a line each.

    Raises
    ------
    ConfigError
        The campaign, or one of its suites, cannot be used as it is written; before anything runs.
    DataError
        A dataset that is configured cannot be read.

    Examples
    --------
    >>> import benchbed as bb
    >>> bb.campaign("campaign.yaml").runs.figures()  # doctest: +SKIP
    """
    from benchbed.run.progress import Progress

    loaded = load_campaign(Path(file))
    steps = list(_steps(loaded, Path(out), workers, cluster, limits))
    state = CampaignState.opened(Path(out) / f"{loaded.campaign.name}.campaign.json")
    outcome, below = CampaignOutcome(loaded.campaign.name), _below()
    with Progress(sum(step.evaluations for step in steps), loaded.campaign.name, quiet=not progress) as shown:
        counted = _Counted(shown, [step.evaluations for step in steps])
        waiting: list[tuple[int, _Step]] = []
        for number, step in enumerate(steps):
            noted = state.runs.get(step.key)
            if noted is not None and not again and noted.holds(step.asked, step.data, below):
                outcome.kept.append(step.key)
                outcome.places[step.key] = Run(noted.record)
                counted.follow(number, 1.0)
                continue
            if waiting and (len(waiting) == TOGETHER or not step.shares_audio(waiting[0][1])):
                _ran(waiting, state, below, report, wanted(isolate), tell, counted, outcome)
                waiting = []
            waiting.append((number, step))
        if waiting:
            _ran(waiting, state, below, report, wanted(isolate), tell, counted, outcome)
    outcome.runs += outcome.places.values()
    return outcome


def campaign_plan(file: str | Path, *, out: str | Path = "runs") -> list[dict[str, object]]:
    """What a campaign would do, a row for each suite and model: evaluations, disk, and seconds of one worker.

    Returns
    -------
    list of dict
        With `suite`, `model`, `done`, `evaluations`, `disk_bytes` and `time_seconds`, which is 0 for what is finished,
        and `error` where a model cannot be run at all.
    """
    loaded = load_campaign(Path(file))
    state, below = CampaignState.opened(Path(out) / f"{loaded.campaign.name}.campaign.json"), _below()
    rows: list[dict[str, object]] = []
    for step in _steps(loaded, Path(out), 1, None, None):
        noted = state.runs.get(step.key)
        done = noted is not None and noted.holds(step.asked, step.data, below)
        row: dict[str, object] = {"suite": step.key.partition("/")[0], "model": step.model.name, "done": done}
        row |= {"evaluations": step.evaluations, "disk_bytes": 0, "time_seconds": 0.0}
        if not done:
            row |= _price(step)
        rows.append(row)
    return rows


def _price(step: _Step) -> dict[str, object]:
    """What one step costs; of a model that cannot be run, why."""
    from benchbed.run.preparing.price import estimate

    asked = step.settings
    try:
        price = estimate(
            step.loaded,
            step.model.spec,
            step.model.options,
            data=asked.data,
            limit=asked.limit,
            allow_synthetic=asked.allow_synthetic,
            device=asked.device,
            batch_size=asked.batch_size,
        )
    except BenchbedError as error:
        return {"error": str(error)}
    return {name: price[name] for name in ("evaluations", "disk_bytes", "time_seconds")}


def _steps(
    loaded: LoadedCampaign, out: Path, workers: int, cluster: ClusterAsked | None, limits: Limits | None
) -> Iterator[_Step]:
    """Suite by suite, so that what is kept of its audio is used while it is there; all suites are checked first."""
    from benchbed.adapter.digests import digest_of
    from benchbed.run.job.limits import Limits as Least
    from benchbed.run.job.policy import ErrorPolicy
    from benchbed.run.preparing.named import check_names
    from benchbed.run.session import Settings

    asked = loaded.campaign
    suites = [(suite, loaded_suite(loaded.found(suite.suite), suite.set)) for suite in asked.suites]
    for _, definition in suites:
        check_names(definition)
    settings = Settings(
        out=out,
        data={name: Path(loaded.found(path)) for name, path in asked.data.items()},
        allow_synthetic=asked.synthetic,
        device=asked.device,
        corruptions=asked.corruptions,
        batch_size=asked.batch_size,
        workers=workers,
        threads=asked.threads,
        limit=asked.limit,
        errors=ErrorPolicy.parse(asked.fail_on_error),
        seed=asked.seed,
        trust_checkpoint=asked.trust_checkpoint,
        quiet=True,
        cluster=cluster,
        limits=limits or Least(),
        command=f"benchbed campaign {loaded.path}",
    )
    decisive = asked.model_dump(mode="json", exclude={"name", "suites", "models"})
    if asked.corruptions == "auto":
        del decisive["corruptions"]  # what was asked before there was a choice is still the same
    for suite, definition in suites:
        mine = replace(settings, limit=suite.limit or asked.limit)
        data, evaluations = _data(definition, mine)
        for model in asked.models:
            if model.only and suite_name(suite) not in model.only:
                continue
            # Options reach an adapter as they would by `--set`; a file is meant from the campaign's folder.
            options = {name: loaded.found(v) if isinstance(v, str) and "/" in v else v for name, v in model.set.items()}
            spec = loaded.found(model.adapter)
            for one in swept(definition, [AskedModel(model_name(model), spec, options, given=model.name)]):
                words = [definition.hash, spec, one.options, one.given, mine.limit, decisive]
                key = f"{suite_name(suite)}/{one.name}"
                yield _Step(key, definition, one, mine, digest_of(words), data, evaluations)


def _data(loaded: LoadedSuite, settings: Settings) -> tuple[str, int]:
    """Digest of the clips that a suite is about, and how often one of them is heard."""
    import pandas as pd

    from benchbed.cache import cache_folder
    from benchbed.data.index import hash_files, index_hash
    from benchbed.run.preparing.source import open_source, scored_clips
    from benchbed.suite.plan import plan_cells

    source = open_source(loaded, settings.data, allow_synthetic=settings.allow_synthetic)
    clips, _ = scored_clips(loaded, source.dataset, settings.limit)
    table = pd.concat(list(clips.values())).drop_duplicates("clip_id")
    known, unreadable = hash_files(source.dataset.root, table["path"].unique().tolist(), cache_folder() / "index")
    heard = sum(len(clips[cell.split]) * cell.draws for cell in plan_cells(loaded.suite) if cell.split in clips)
    return index_hash(table, {**known, **dict.fromkeys(unreadable, "unreadable")}), heard


class _Counted:
    """One progress of steps of which several go on at once.

    Parameters
    ----------
    shown : Progress
        Of all.
    evaluations : sequence of int
        Of each step.
    """

    def __init__(self, shown: Progress, evaluations: Sequence[int]) -> None:
        self._shown, self._evaluations, self._done = shown, evaluations, [0] * len(evaluations)

    def __len__(self) -> int:
        return len(self._evaluations)

    def follow(self, number: int, share: float) -> None:
        """Show how far a step is."""
        reached = round(min(share, 1.0) * self._evaluations[number])
        if reached > self._done[number]:
            self._shown.advance(reached - self._done[number])
            self._done[number] = reached


def _ran(
    steps: Sequence[tuple[int, _Step]],
    state: CampaignState,
    below: str,
    report: bool,
    isolate: bool,
    tell: Callable[[str], None],
    counted: _Counted,
    outcome: CampaignOutcome,
) -> None:
    """Run steps of one suite, and note what came of each as soon as it is over."""
    for number, step in steps:
        tell(f"{number + 1} of {len(counted)}: {step.key}")
    with tempfile.TemporaryDirectory(prefix="benchbed-campaign-") as scratch:

        def over(at: int, ended: Run | BenchbedError) -> None:
            number, step = steps[at]
            if isinstance(ended, BenchbedError):
                state.note(step.key, NotedRun(step.asked, error=ended.what))
                tell(f"{step.key} has no result: {ended}")
                outcome.runs.errors[step.key] = ended
            else:
                files = json.loads(_files_of(Path(scratch), ended.path).read_text())
                state.note(step.key, _noted(step, ended, files, below))
                outcome.places[step.key] = ended
            counted.follow(number, 1.0)

        run_each(
            steps[0][1].loaded,
            [step.model for _, step in steps],
            steps[0][1].settings,
            report=report,
            listen=None,
            follower=Follower(tell, lambda at, share: counted.follow(steps[at][0], share), over),
            ready=partial(_note_files, Path(scratch)),
            isolate=isolate,
            acquainted=False,
        )


def _noted(step: _Step, run: Run, model: dict[str, Any], below: str) -> NotedRun:
    """What is noted of a run that is finished, and of what its model was made of."""
    model["files"].update(_read_later(run))
    return NotedRun(
        step.asked,
        str((run.path / "result.json").resolve()),
        run.result.digest or "",
        model["base"],
        model["files"],
        step.data,
        below,
    )


def _files_of(scratch: Path, folder: Path) -> Path:
    """Where it is written down of what the model of a run was made."""
    from benchbed.adapter.digests import digest_of

    return scratch / f"{digest_of(str(folder.resolve()))}.json"


def _note_files(scratch: Path, prepared: Prepared) -> None:
    """Write down what a model was made of, in whatever process it was loaded."""
    made = prepared.loaded_adapter.fingerprint
    content = {"base": str(made.base.resolve()), "files": {**made.code, **made.files}}
    _files_of(scratch, prepared.folder).write_text(json.dumps(content))


def _read_later(run: Run) -> dict[str, str]:
    """Files that the model read only while it predicted."""
    from benchbed.predictions.index import indexed
    from benchbed.predictions.store import read_header

    files: dict[str, Any] = {}
    for path in indexed(run.path):
        files.update(((read_header(path) or {}).get("info") or {}).get("read", {}))
    return files


def _below() -> str:
    """What every run stands on."""
    from benchbed.adapter.digests import digest_of
    from benchbed.provenance import code_hash, versions

    return digest_of([code_hash("."), versions()])

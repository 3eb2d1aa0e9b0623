"""Doubts about the data of a run: clips that the model was trained on, leaks between training and test and channels
that face elsewhere, which `data check` knows."""

from __future__ import annotations

from benchbed.cache import cache_folder
from benchbed.data import facing
from benchbed.data.dataset import Dataset
from benchbed.data.index import hash_files
from benchbed.data.leaks import Leak, leaks
from benchbed.results import record
from benchbed.run.job.prepared import Prepared

#: Files whose content is compared; hashing more would cost a run minutes, and `benchbed data check` does it.
MOST_FILES = 3000
#: Recordings of Ambisonics that are listened to; `benchbed data check` takes more.
RECORDINGS = 12


def data_doubts(prepared: Prepared) -> list[record.Check]:
    """Checks of the data: `data:leaks` of every scored split, `data:channels` of Ambisonics, and `data:trained_on`."""
    dataset, suite = prepared.source.dataset, prepared.loaded_suite.suite
    found: list[record.Check] = []
    for split in prepared.job.clips:
        train = _training(dataset, split, suite.data.train_split)
        if train is not None:
            found.append(_leaks(dataset, train, split))
    found += _channels(dataset, list(prepared.job.clips))
    found += _trained_on(prepared)
    return found


def _channels(dataset: Dataset, splits: list[str]) -> list[record.Check]:
    """Whether channels face where their annotations say."""
    recordings = facing.listened(dataset, splits, RECORDINGS)
    events = sum(len(one.fits) for one in recordings)
    if events < facing.LEAST:
        return []
    suspected = [what for _, what in facing.doubts(recordings)]
    if suspected:
        return [record.Check(name="data:channels", status="warn", message=f"suspected: {'; '.join(suspected)}")]
    what = f"{events} lone sources sound where they are annotated, in the order and scaling of ACN and SN3D"
    return [record.Check(name="data:channels", status="pass", message=what)]


def _training(dataset: Dataset, split: str, declared: str | None) -> str | None:
    """The split that a model of this one learns from, as the suite or the names of splits tell."""
    names = [declared.replace("{split}", split)] if declared is not None else [f"not_{split}", "train"]
    return next((name for name in names if name in dataset.splits and name != split), None)


def _leaks(dataset: Dataset, train: str, test: str) -> record.Check:
    paths = [path for split in (train, test) for path in dataset.select(split)["path"]]
    few = len(set(paths)) <= MOST_FILES
    content = hash_files(dataset.root, list(dict.fromkeys(paths)), cache_folder() / "index")[0] if few else {}
    findings = leaks(dataset, train, test, content)
    name = f"data:leaks:{test}"
    compared = "recordings, places and content" if few else "recordings and places; content by `benchbed data check`"
    if not findings:
        what = f"{train} and {test} share nothing ({compared})"
        return record.Check(name=name, status="pass", message=what)
    if all(finding.code == "known_overlap" for finding in findings):
        return record.Check(name=name, status="pass", message=findings[0].message)
    findings.sort(key=lambda finding: finding.code == "known_overlap")
    worst: Leak = findings[0]
    more = f"; and {len(findings) - 1} more" if len(findings) > 1 else ""
    examples = f", e.g. {', '.join(worst.examples[:2])}" if worst.examples else ""
    return record.Check(name=name, status="warn", message=f"{worst.message}{examples}{more}")


def _trained_on(prepared: Prepared) -> list[record.Check]:
    """What the card says that the model has seen, against what is scored: `NAME`, or `NAME/SPLIT` of a dataset."""
    dataset, data = prepared.source.dataset, prepared.loaded_suite.suite.data
    names = {dataset.name} if dataset.synthetic else {dataset.name, data.key}
    seen: dict[str, tuple[int, int]] = {}
    apart: list[str] = []
    unsaid: list[str] = []
    for split in prepared.job.clips:
        told = [entry.partition("/") for entry in prepared.adapters[split].card.trained_on]
        parts = {part for name, _, part in told if name in names}
        if not parts:
            continue
        scored, known = set(dataset.splits[split]), [part for part in parts if part in dataset.splits]
        shared = {clip for part in known for clip in dataset.splits[part]} & scored
        if shared:
            seen[split] = len(shared), len(scored)
        else:
            (apart if known else unsaid).append(split)
    name = "data:trained_on"
    if seen:
        listed = ", ".join(f"{split} ({mine} of {all_} clips)" for split, (mine, all_) in seen.items())
        what = f"the card says that the model was trained on clips that are scored: {listed}"
        return [record.Check(name=name, status="fail", message=what)]
    models = {id(prepared.adapters[split]) for split in unsaid}
    if len(models) < len([split for split in unsaid if f"not_{split}" in dataset.splits]):
        what = (
            f"one model scores {len(unsaid)} folds of {dataset.name}, and its card names that under trained_on: what "
            "it was trained on is scored. Name the part (trained_on=('NAME/not_fold1',)), and score each fold by the "
            "model that did not see it: --set checkpoint='…/{split}.pt'"
        )
        return [record.Check(name=name, status="warn", message=what)]
    if any(len(dataset.splits[split]) == len(dataset.clips) for split in unsaid):
        what = f"all of {dataset.name} is scored, and the card says that the model was trained on it"
        return [record.Check(name=name, status="warn", message=what)]
    return [record.Check(name=name, status="pass", message="trained on other parts of the data")] if apart else []

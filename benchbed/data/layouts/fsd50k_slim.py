"""A slim FSD50K: a few classes and clips of it, drawn once to a manifest whose hash is checked whenever it is read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.data.layouts import fsd50k
from benchbed.errors import DataError
from benchbed.rng import stream

FACTS = Facts(
    title="FSD50K, a part of it",
    source=fsd50k.FACTS.source,
    licence=fsd50k.FACTS.licence,
    citation=fsd50k.FACTS.citation,
    version=fsd50k.FACTS.version,
    steps="as FSD50K; then draw a manifest, or take that of whoever is to be compared with",
)

#: Splits of every set of this form, for suites that are checked without it.
SPLITS = ("all", "train", "val", "dev", "test")


def read(root: Path, *, manifest: str = "slim.txt", sha256: str = "", single: bool = False) -> Dataset:
    """Read the part of FSD50K that a manifest names; splits as there.

    Parameters
    ----------
    root : Path
        FSD50K's folder.
    manifest : str
        File that `draw` wrote, relative to the root: a line `# sha256: HASH`, a line of classes, then clips.
    sha256 : str, optional
        What the hash must be, so that a suite names one manifest and no other.
    single : bool
        Every clip has one class, which is its scene; else its tags.

    Raises
    ------
    DataError
        No manifest, one that was changed since it was drawn, another one than asked for, clips that FSD50K lacks, or a
        clip of several classes where each is to have one.
    """
    whole = fsd50k.read(Path(root))
    place = whole.root / manifest
    if not place.is_file():
        raise DataError(
            "there is no manifest", where=str(place), hint="benchbed.data.layouts.fsd50k_slim.draw makes one"
        )
    labels, clips = _checked(place, sha256)
    unknown = [label for label in labels if label not in whole.labels]
    if unknown:
        raise DataError(f"FSD50K has no class '{unknown[0]}'", where=str(place))
    table = whole.clips
    rows = {str(path): row for row, path in enumerate(table["path"].astype(str))}
    missing = [clip for clip in clips if clip not in rows]
    if missing:
        raise DataError(f"{len(missing)} clips of the manifest are not in FSD50K, e.g. {missing[0]}", where=str(place))
    kept = table.iloc[sorted(rows[clip] for clip in clips)].copy()
    kept["label"] = [tuple(x for x in one if x in labels) for one in kept["label"]]
    if single:
        several = [path for path, one in zip(kept["path"].astype(str), kept["label"]) if len(one) != 1]
        if several:
            raise DataError(
                f"{len(several)} clips of the manifest are of several classes, e.g. {several[0]}",
                where=str(place),
                hint="draw it with single=True, or read it with single: false",
            )
        kept["label"] = [one[0] for one in kept["label"]]
    kept["clip_id"] = "fsd50k_slim" + kept["clip_id"].astype(str).str.removeprefix(whole.name)
    renamed = dict(zip(table["clip_id"].astype(str).iloc[sorted(rows[clip] for clip in clips)], kept["clip_id"]))
    splits = {
        name: tuple(renamed[str(clip)] for clip in ids if str(clip) in renamed) for name, ids in whole.splits.items()
    }
    return replace(
        whole,
        name="fsd50k_slim",
        kind="scene" if single else whole.kind,
        labels=labels,
        clips=kept.reset_index(drop=True),
        splits=splits,
        official={},
        notes=(*whole.notes, f"{len(kept)} clips of the manifest {manifest}, sha256 {digest_of(place)}"),
    )


def draw(
    root: Path,
    out: Path,
    labels: Sequence[str],
    *,
    clips: int | Mapping[str, int] = 100,
    seed: int = 0,
    single: bool = False,
) -> str:
    """Draw clips of some classes to a manifest; its hash.

    Of each split `train`, `val` and `test` at most so many clips that hold a class are drawn for each class.

    Parameters
    ----------
    root : Path
        FSD50K's folder.
    out : Path
        The manifest.
    labels : sequence of str
        Classes, in the order of the scores.
    clips : int or mapping of str to int
        Most clips of a class and split, or of a class in each split.
    seed : int
        Of the draw.
    single : bool
        Draw only clips that hold one of the classes and no other of them.

    Raises
    ------
    DataError
        A class that FSD50K does not have.
    """
    whole = fsd50k.read(Path(root))
    unknown = [label for label in labels if label not in whole.labels]
    if unknown:
        raise DataError(f"FSD50K has no class '{unknown[0]}'", where=str(root))
    chosen: set[str] = set()
    for split in ("train", "val", "test"):
        table = whole.select(split)
        for label in labels:
            holds = np.array([label in one for one in table["label"]], bool)
            if single:
                holds &= np.array([len(set(one) & set(labels)) == 1 for one in table["label"]], bool)
            most = clips if isinstance(clips, int) else clips.get(split, 0)
            paths = table["path"].astype(str).to_numpy()[holds]
            order = stream("fsd50k slim", seed, split, label).permutation(len(paths))[:most]
            chosen |= {str(paths[place]) for place in order}
    body = "\n".join(["\t".join(labels), *sorted(chosen)]) + "\n"
    digest = hashlib.sha256(body.encode()).hexdigest()
    out.write_text(f"# sha256: {digest}\n{body}", encoding="utf-8")
    return digest


def digest_of(place: Path) -> str:
    """Hash of what a manifest says, without its own first line."""
    return hashlib.sha256(place.read_text(encoding="utf-8").partition("\n")[2].encode()).hexdigest()


def _checked(place: Path, wanted: str) -> tuple[tuple[str, ...], list[str]]:
    lines = place.read_text(encoding="utf-8").splitlines()
    said = lines[0].removeprefix("# sha256: ") if lines else ""
    digest = digest_of(place)
    if said != digest:
        raise DataError(
            f"the manifest says sha256 {said[:12]}… and is {digest[:12]}…",
            where=f"{place}:1",
            hint="it was changed after it was drawn; draw it again, or get it again",
        )
    if wanted and wanted != digest:
        raise DataError(
            f"the suite asks for the manifest {wanted[:12]}…, and this one is {digest[:12]}…", where=str(place)
        )
    return tuple(lines[1].split("\t")), lines[2:]

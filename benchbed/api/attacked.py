"""Adversarial sounds as folders: what a run writes of its own, and a suite that scores those of others."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile
import yaml

from benchbed import __version__
from benchbed.attack.ensemble import FLOOR
from benchbed.attack.folder import ABOUT, key_of, open_attacked
from benchbed.errors import ConfigError
from benchbed.suite.conditions import AttackCondition

if TYPE_CHECKING:
    from benchbed.api.run import Run
    from benchbed.suite.load import LoadedSuite

#: Where a run's own sounds lie, and the words before a source in the name of a folder of runs.
FOLDER, PREFIX = "attacked", "attacked-by-"
#: Budgets where the suite attacks nothing by itself.
DEFAULT = AttackCondition(attack="from_folder")


def attacked_overrides(loaded: LoadedSuite, folder: str | Path, source: str | None = None) -> dict[str, str]:
    """Changes of a suite that leave the clean clips and try a folder's sounds at every budget of its attacks.

    Parameters
    ----------
    loaded : LoadedSuite
    folder : str or Path
        Of adversarial sounds.
    source : str, optional
        Who made them; by default what the folder says.

    Raises
    ------
    ConfigError
        A folder that cannot be read.

    Returns
    -------
    dict of str to str
        Place in the suite → JSON.
    """
    opened = open_attacked(folder)
    asked: dict[tuple[str, str, str], list[AttackCondition]] = {}
    for condition in loaded.suite.conditions:
        if not isinstance(condition, AttackCondition) or condition.attack in FLOOR:
            continue
        if condition.space == "waveform":
            band = "" if condition.band is None else condition.band.model_dump_json(exclude_none=True)
            asked.setdefault((condition.threat, condition.channels, band), []).append(condition)
    if not asked:
        asked[("l2", "together", "")] = [DEFAULT]
    conditions: list[object] = ["clean"]
    for (threat, channels, band), members in asked.items():
        one: dict[str, object] = {
            "attack": DEFAULT.attack,
            "threat": threat,
            "budgets": sorted({budget for member in members for budget in member.budgets}),
            "n": max(member.n for member in members),
            "options": {"folder": str(Path(folder).resolve()), "source": source or opened.source},
        }
        one |= {"channels": channels} if channels == "each" else {}
        one |= {"band": json.loads(band)} if band else {}
        first = members[0]
        one |= {"success": first.success.model_dump()} if first.success.model_fields_set else {}
        conditions.append(one)
    return {"conditions": json.dumps(conditions)}


def attacked_place(out: str | Path, folder: str | Path, source: str | None = None) -> Path:
    """Folder of runs of a source, so that a model's own run stays where it is.

    Examples
    --------
    >>> attacked_place("runs", ".", "Alice & Co").as_posix()
    'runs/attacked-by-alice-co'
    """
    name = source or open_attacked(folder).source
    return Path(out) / f"{PREFIX}{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-') or 'unknown'}"


def write_attacked(run: Run) -> Path:
    """Write the sounds that broke a clip in a run beside it, in the form that `benchbed score --attacked` reads.

    Parameters
    ----------
    run : Run
        Made with `keep_attacked`.

    Returns
    -------
    Path
        The folder: `attacked.yaml`, and `THREAT/CLIP.wav` as 32-bit floats at the model's rate.

    Raises
    ------
    ConfigError
        The run kept no audio.
    """
    from benchbed.predictions.index import indexed
    from benchbed.predictions.store import read_units

    result, paths = run.result, indexed(run.path)
    table = read_units(paths).table if paths else None
    attacks = [cell.key for cell in result.cells if cell.condition.kind == "attack"]
    if table is None or not attacks:
        raise ConfigError("the run attacked nothing", where=str(run.path), hint="a suite with attacks")
    place = run.path / FOLDER
    place.mkdir(exist_ok=True)
    rate = result.model.sample_rate
    written = 0
    if "audio_attacked" in table:
        rows = table[table["cell"].astype(str).isin(attacks) & table["audio_attacked"].notna()]
        rows = rows[rows["clean_correct"].astype(bool) & ~rows["robust"].astype(bool)]
        for row in rows.to_dict("records"):
            folder = str(row["cell"]).split("/", 2)[2].replace(":", "-").replace("/", "-")
            path = place / folder / f"{key_of(str(row['clip_id']))}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            samples = np.frombuffer(row["audio_attacked"], "<f4").reshape(int(row["audio_channels"]), -1)
            soundfile.write(path, samples.T, rate, subtype="FLOAT")
            written += 1
    about = {
        "source": f"benchbed {__version__}",
        "model": result.model.name,
        "suite": result.suite.name,
        "sample_rate": str(rate),
        "date": result.provenance.created[:10],
    }
    (place / ABOUT).write_text(yaml.safe_dump(about, sort_keys=False), encoding="utf-8")
    return place

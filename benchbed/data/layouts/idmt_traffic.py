"""IDMT-Traffic: two-second passings of vehicles, each recorded by good and by cheap microphones at the same time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchbed.data.assemble import build, find_root
from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.errors import DataError
from benchbed.tables.names import read_names

LABELS = ("bus", "car", "motorcycle", "truck", "none")
_VEHICLES = {"B": "bus", "C": "car", "M": "motorcycle", "T": "truck"}
#: Official lists → name of their split.
LISTS = {"idmt_traffic_all": "all", "eusipco_2021_train": "train", "eusipco_2021_test": "test"}

FACTS = Facts(
    title="IDMT-Traffic",
    source="https://www.idmt.fraunhofer.de/en/publications/datasets/traffic.html",
    licence="as stated with the set",
    citation="J. Abeßer, S. Gourishetti, A. Kátai, T. Clauß, P. Sharma, J. Liebetrau: IDMT-Traffic: An open benchmark "
    "dataset for acoustic traffic monitoring research. EUSIPCO 2021, 551-555.",
    counts={"idmt_traffic": {"all": 17_506}},
    steps="the files hold one vehicle or none each, so this is a task of one label per clip",
)


def read(root: Path) -> Dataset:
    """Read IDMT-Traffic; splits `all`, `train` and `test` (those of the paper), as far as their lists are there.

    What a file's name says becomes columns: `location`, `speed` in km/h, `daytime`, `weather`, `direction`,
    `microphone` (`SE` good, `ME` cheap) and `channel`. The group is the moment that was recorded, which microphones and
    channels share, and `passing` names it for comparisons on matched content.

    Raises
    ------
    DataError
        No list, or a file name of another form.
    """
    import pandas as pd

    root = find_root(Path(root), "idmt_traffic", FACTS, ("annotation", "audio"), ("IDMT_Traffic",))
    lists = {split: root / f"annotation/{file}.txt" for file, split in LISTS.items()}
    there = {split: file for split, file in lists.items() if file.is_file()}
    if not there:
        raise DataError("no list of files is there", where=str(root / "annotation"), hint=", ".join(LISTS))
    rows: list[Any] = []
    place, splits = {}, {}
    for split, file in there.items():
        members = []
        for name, where in zip(*read_names(file)):
            stem = Path(name.replace("\\", "/")).name.removesuffix(".wav")
            if stem not in place:
                place[stem] = len(rows)
                rows.append({"where": where, "stem": stem, **parse(stem, where)})
            members.append(place[stem])
        splits[split] = np.array(members)
    splits.setdefault("all", np.arange(len(rows)))
    table = pd.DataFrame(rows)
    columns = ("passing", "location", "speed", "daytime", "weather", "direction", "microphone", "channel")
    return build(
        name="idmt_traffic",
        root=root,
        kind="scene",
        labels=LABELS,
        paths="audio/" + table["stem"] + ".wav",
        label=table["label"],
        group=table["passing"],
        where=lambda row: table["where"].iloc[row],
        splits=splits,
        facts=FACTS,
        metadata={column: table[column] for column in columns},
    )


def parse(stem: str, where: str = "") -> dict[str, str]:
    """What the name of a file says.

    Raises
    ------
    DataError
        The name has another form.

    Examples
    --------
    >>> found = parse("2019-10-22-08-40_Fraunhofer-IDMT_30Kmh_1116695_M_D_CR_SE_CH12")
    >>> found["label"], found["direction"], found["microphone"], found["speed"]
    ('car', 'R', 'SE', '30')
    >>> parse("2019-10-22-08-40_Fraunhofer-IDMT_30Kmh_1116695_ME_CH34-BG")["label"]
    'none'
    """
    parts = stem.split("_")
    if len(parts) == 6 and stem.endswith("-BG"):
        moment, location, speed, sample, microphone, channel = parts
        daytime = weather = direction = ""
        label = "none"
    elif len(parts) == 9 and parts[6][:1] in _VEHICLES and len(parts[6]) == 2:
        moment, location, speed, sample, daytime, weather, vehicle, microphone, channel = parts
        label, direction = _VEHICLES[vehicle[0]], vehicle[1]
    else:
        raise DataError(f"the name '{stem}' is not of the form of IDMT-Traffic", where=where)
    return {
        "label": label,
        "passing": f"{moment}_{location}_{sample}",
        "location": location,
        "speed": "" if speed.startswith("unknown") else speed.removesuffix("Kmh"),
        "daytime": daytime,
        "weather": weather,
        "direction": direction,
        "microphone": microphone,
        "channel": channel.removesuffix("-BG"),
    }

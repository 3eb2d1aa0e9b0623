"""TAU Mobile 2020 and 2022: splits, groups, devices, subsets, and files that disagree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchbed.data.devices import device_groups
from benchbed.data.layouts import tau2020, tau2022
from benchbed.errors import ConfigError, DataError

Rows = Callable[..., Path]


def test_columns_groups_and_splits(tau: Path) -> None:
    dataset = tau2022.read(tau)
    assert dataset.name == "tau2022" and dataset.kind == "scene" and not dataset.synthetic
    assert dataset.labels == tau2022.LABELS and len(dataset.labels) == 10
    first = dataset.clips.iloc[2]
    assert first["clip_id"] == "tau2022/audio/airport-lisbon-1000-40000-0-s1.wav"
    # All cuts and devices of one ten-second segment are one recording.
    assert first["group"] == "airport-lisbon-1000-40000"
    assert dataset.clips["group"].tolist()[:4] == ["airport-lisbon-1000-40000"] * 3 + ["park-paris-77-512"]
    assert (first["device"], first["city"], first["location"], first["cut"]) == ("s1", "lisbon", "lisbon-1000", "0")
    assert {name: len(ids) for name, ids in dataset.splits.items()} == {"all": 9, "train": 4, "test": 4, "unused": 1}
    assert dataset.splits["unused"] == ("tau2022/audio/park-paris-77-512-0-s4.wav",)
    assert dataset.clips["duration"].isna().all() and (dataset.clips["onset"] == 0).all()
    assert "zenodo.6337421" in dataset.source and "non-commercial" in dataset.licence and dataset.citation


def test_the_folder_above_will_do(tau: Path) -> None:
    inner = tau.parent / "above" / "TAU-urban-acoustic-scenes-2022-mobile-development"
    inner.parent.mkdir()
    tau.rename(inner)
    assert tau2022.read(inner.parent).root == inner


def test_alias_of_park(tau: Path) -> None:
    for file in [tau / "meta.csv", *(tau / "evaluation_setup").glob("*.csv")]:
        file.write_text(file.read_text().replace("\tpark", "\turban_park"))
    dataset = tau2022.read(tau)
    assert set(dataset.clips["label"]) == {"airport", "park"}
    assert dataset.notes == ("label 'urban_park' was read as 'park' (4 clips)",)


def test_training_subsets(tau: Path, rows: Rows) -> None:
    names = [line.split("\t")[0] for line in (tau / "meta.csv").read_text().splitlines()[1:]]
    rows(tau / "split_setup/split5.csv", [("filename",), (names[3],), (names[0],)])
    rows(tau / "split_setup/split25.csv", [("filename", "scene_label"), *[(n, "airport") for n in names[:3]]], "\t")
    dataset = tau2022.read(tau)
    assert dataset.splits["train5"] == (f"tau2022/{names[3]}", f"tau2022/{names[0]}")
    assert len(dataset.splits["train25"]) == 3 and "train10" not in dataset.splits
    elsewhere = tau.parent / "lists"
    (tau / "split_setup").rename(elsewhere)
    assert "train5" not in tau2022.read(tau).splits
    assert "train5" in tau2022.read(tau, subsets=elsewhere).splits
    with pytest.raises(DataError, match="does not exist"):
        tau2022.read(tau, subsets=tau / "nowhere")
    rows(elsewhere / "split5.csv", [("filename",), ("audio/other.wav",)])
    with pytest.raises(DataError, match=r"'audio/other.wav' of a split is not in meta.csv") as caught:
        tau2022.read(tau, subsets=elsewhere)
    assert str(caught.value.where).endswith("split5.csv:2")


def test_devices_come_from_the_splits(tau: Path) -> None:
    dataset = tau2022.read(tau)
    assert device_groups(dataset) == {"seen": ("a", "s1"), "unseen": ("s4", "s10")}
    assert device_groups(dataset, column="city") == {"seen": (), "unseen": ("barcelona", "vienna")}
    assert device_groups(dataset, declared={"unseen": ["s4"]})["unseen"] == ("s4", "s10")
    with pytest.raises(ConfigError, match="s1 declared unseen, but do occur in split train"):
        device_groups(dataset, declared={"unseen": ["s1", "s4"]})
    with pytest.raises(ConfigError, match="s4 declared seen, but do not occur in split train"):
        device_groups(dataset, declared={"seen": ["s4"]})
    with pytest.raises(ConfigError, match="s99 declared seen, but not in split test"):
        device_groups(dataset, declared={"seen": ["s99"]})
    with pytest.raises(DataError, match="share 4 clips"):
        device_groups(dataset, train_split="all")
    with pytest.raises(ConfigError, match="did you mean 'device'"):
        device_groups(dataset, column="devices")


def test_2020_has_no_cuts(tmp_path: Path, rows: Rows) -> None:
    names = [
        "audio/airport-lisbon-1000-40000-a.wav",
        "audio/airport-lisbon-1000-40000-b.wav",
        "audio/bus-paris-3-7-s6.wav",
    ]
    table = [(n, n[6:].split("-")[0], "-".join(n[6:].split("-")[1:3]), n[:-4].split("-")[-1]) for n in names]
    rows(tmp_path / "meta.csv", [("filename", "scene_label", "identifier", "source_label"), *table], "\t")
    header = ("filename", "scene_label")
    rows(tmp_path / "evaluation_setup/fold1_train.csv", [header, *[t[:2] for t in table[:2]]], "\t")
    rows(tmp_path / "evaluation_setup/fold1_test.csv", [header[:1], table[2][:1]], "\t")
    dataset = tau2020.read(tmp_path)
    assert dataset.clips["group"].tolist() == ["airport-lisbon-1000-40000"] * 2 + ["bus-paris-3-7"]
    assert "cut" not in dataset.clips and len(dataset.splits["test"]) == 1
    assert dataset.clips["label"].tolist()[2] == "bus"


def test_evaluation_set(tmp_path: Path, rows: Rows) -> None:
    root = tmp_path / "TAU-urban-acoustic-scenes-2025-mobile-evaluation"
    rows(root / "evaluation_setup/fold1_test.csv", [("filename",), ("audio/0.wav",)])
    with pytest.raises(DataError, match="has no labels"):
        tau2022.read(tmp_path, subset="evaluation")
    rows(
        root / "evaluation_setup/fold1_evaluate.csv",
        [("filename", "scene_label", "device_id"), ("audio/0.wav", "bus", "S7"), ("audio/1.wav", "tram", "d")],
        "\t",
    )
    dataset = tau2022.read(tmp_path, subset="evaluation")
    assert dataset.name == "tau2022_evaluation" and dataset.clips["device"].tolist() == ["s7", "d"]
    assert dataset.clips["group"].tolist() == ["audio/0.wav", "audio/1.wav"]
    assert "2 file names do not say their recording" in dataset.notes[0]
    with pytest.raises(ConfigError, match="did you mean 'evaluation'"):
        tau2022.read(tmp_path, subset="evaluatoin")  # type: ignore[arg-type]


def swap(file: Path, old: str, new: str) -> None:
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))


def test_files_that_disagree(tau: Path) -> None:
    setup = tau / "evaluation_setup"
    train = (setup / "fold1_train.csv").read_text()
    swap(setup / "fold1_train.csv", "\tairport", "\tbus")
    with pytest.raises(DataError, match=r"label 'bus' here, 'airport' in meta.csv") as caught:
        tau2022.read(tau)
    assert "fold1_train.csv:2 and" in str(caught.value.where) and str(caught.value.where).endswith("meta.csv:2")
    (setup / "fold1_train.csv").write_text(train + "audio/airport-barcelona-203-6129-0-a.wav\tairport\n")
    with pytest.raises(DataError, match="1 clips are in both the training and the test split"):
        tau2022.read(tau)
    (setup / "fold1_train.csv").write_text(train)
    swap(setup / "fold1_test.csv", "audio/park-vienna-5-9-3-s10.wav\n", "")
    with pytest.raises(DataError, match=r"fold1_test.csv and fold1_evaluate.csv list different clips"):
        tau2022.read(tau)
    (setup / "fold1_train.csv").unlink()
    with pytest.raises(DataError, match="missing"):
        tau2022.read(tau)


@pytest.mark.parametrize(
    ("old", "new", "message", "row"),
    [
        ("s4.wav\tpark\t", "s4.wav\tpakr\t", "unknown label 'pakr'", 6),
        ("s4.wav\tpark\t", "s4.wav\t\t", "the label is empty", 6),
        ("audio/park-paris-77-512-0-s4.wav", "../../etc/passwd", "leaves the dataset's folder", 6),
        ("audio/park-paris-77-512-0-s4.wav", "/etc/passwd", "leaves the dataset's folder", 6),
        ("audio/park-paris-77-512-0-s4.wav", "C:\\secret.wav", "leaves the dataset's folder", 6),
        ("audio/park-paris-77-512-0-s4.wav", "audio\\..\\..\\x.wav", "leaves the dataset's folder", 6),
        ("scene_label", "scene", "no column 'scene_label'", 1),
    ],
)
def test_bad_meta(tau: Path, old: str, new: str, message: str, row: int) -> None:
    swap(tau / "meta.csv", old, new)
    with pytest.raises(DataError, match=message) as caught:
        tau2022.read(tau)
    assert str(caught.value.where).endswith(f":{row}")


def test_double_row(tau: Path) -> None:
    meta = (tau / "meta.csv").read_text()
    (tau / "meta.csv").write_text(meta + meta.splitlines()[1] + "\n")
    with pytest.raises(DataError, match="more than once"):
        tau2022.read(tau)


def test_missing_root(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist") as caught:
        tau2022.read(tmp_path / "nowhere")
    hint = str(caught.value.hint)
    assert "zenodo.6337421" in hint and "--data tau2022=PATH" in hint and "BENCHBED_DATA" in hint
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="must be a folder"):
        tau2022.read(tmp_path / "file")
    with pytest.raises(DataError, match=r"it has no meta.csv"):
        tau2022.read(tmp_path)


def test_official_counts_add_up() -> None:
    """Clips per class as the publisher lists them; 2020 has a tenth of 2022, since its clips were cut in ten."""
    counts = tau2022.FACTS.counts["tau2022"]
    assert counts["all"] == counts["train"] + counts["test"] + counts["unused"]
    per_class = [13930, 14000, 13820, 13800, 14290, 14270, 13730, 13860, 14130, 13790]
    assert counts["train"] == sum(per_class)
    assert counts["test"] == 2 * 2960 + 8 * 2970
    older = tau2020.FACTS.counts["tau2020"]
    assert {k: 10 * v for k, v in older.items()} == dict(counts)

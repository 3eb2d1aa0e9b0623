"""Make `seld_official.json` with the official scripts, from folders that hold a checkout of each year's repository.

python tests/metrics/golden/make_seld.py FOLDER > tests/metrics/golden/seld_official.json

FOLDER/2020 … FOLDER/2025: sharathadavanne/seld-dcase2020 at 384ad9b, seld-dcase2021 at f8e09db, seld-dcase2022 at
f7eb873, seld-dcase2023 at 24d14c9, partha2409/DCASE2024_seld_baseline at 0b07887 and DCASE2025_seld_baseline at
42a48b6. What they import besides NumPy and SciPy is replaced by nothing, and `np.float` and `np.NaN` are restored.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.abc
import importlib.machinery
import io
import json
import math
import sys
import tempfile
import types
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.optimize
import scipy.stats  # noqa: F401

sys.path.insert(0, str(Path(__file__).parent))
from seld_cases import ALL_FORMS, FORM_ROWS, FORMS, YEARS, Case, cases, write

UNUSED = ("IPython", "PIL", "cv2", "joblib", "librosa", "matplotlib", "sklearn", "soundfile", "torch", "torchvision")
UNUSED += ("tqdm", "wandb")
SEGMENTS = ("ER", "F", "LE", "LR", "SELD")
NAMES = {
    **dict.fromkeys((2020, 2021, 2022, 2023), SEGMENTS),
    2024: ("ER", "F", "DOAE", "DE", "RDE", "LR", "SELD"),
    2025: ("F", "DOAE", "DE", "RDE", "ONOFF"),
}
CLASSES = {2020: 14, 2021: 12}


class Nothing(types.ModuleType):
    """A package of which nothing is used."""

    __path__: list[str] = []  # noqa: RUF012

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {}) if name[0].isupper() else Nothing(name)

    def __call__(self, *args: Any, **kwargs: Any) -> Nothing:
        return self


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds `Nothing` for packages that the scorers import and do not use."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        unused = name.split(".")[0] in UNUSED
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if unused else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Nothing:
        return Nothing(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        pass


class Scripts:
    """The scorers of all years."""

    def __init__(self, root: Path, years: Iterable[int] = YEARS) -> None:
        vars(np).update({"float": float, "NaN": np.nan})
        warnings.simplefilter("ignore")
        sys.meta_path.insert(0, Finder())
        self.made = {year: self._load(root / str(year), year) for year in years}

    def _load(self, folder: Path, year: int) -> tuple[Any, Any]:
        own = {path.stem for path in folder.rglob("*.py")} | {"metrics"}
        for name in [name for name in sys.modules if name.split(".")[0] in own]:
            del sys.modules[name]
        sys.path.insert(0, str(folder))
        with contextlib.redirect_stdout(io.StringIO()):
            if year == 2025:
                found = importlib.import_module("metrics"), None
            else:
                features = importlib.import_module("cls_feature_class")
                name = "metrics.SELD_evaluation_metrics" if year == 2020 else "cls_compute_seld_results"
                found = importlib.import_module(name), features.FeatureClass
        sys.path.remove(str(folder))
        return found

    def features(self, year: int, classes: int) -> Any:
        """The reader of files, without the features that the rest of it extracts."""
        kind = self.made[year][1]
        reader = kind.__new__(kind)
        reader._nb_label_frames_1s, reader._max_label_frames = 10, 600
        reader._unique_classes, reader._nb_unique_classes = {str(i): i for i in range(classes)}, classes
        return reader

    def score(self, year: int, reference: Path, output: Path, classes: int, average: str, **options: bool) -> tuple:
        """What the script of a year returns for a folder of references and one of outputs."""
        with contextlib.redirect_stdout(io.StringIO()):
            if year == 2020:
                return self._score_2020(reference, output, classes)
            with tempfile.TemporaryDirectory() as folder:
                Path(folder, "split").symlink_to(reference)
                return self._score(year, folder, output, classes, average, **options)

    def _score_2020(self, reference: Path, output: Path, classes: int) -> tuple:
        module, reader = self.made[2020][0], self.features(2020, classes)
        counts = module.SELDMetrics(nb_classes=classes, doa_threshold=20)
        for path in sorted(output.iterdir()):
            said = reader.convert_output_format_cartesian_to_polar(reader.load_output_format_file(str(path)))
            there = reader.load_output_format_file(str(reference / path.name))
            counts.update_seld_scores(reader.segment_labels(said, 600), reader.segment_labels(there, 600))
        found = counts.compute_seld_scores()
        return (*found, module.early_stopping_metric(list(found[:2]), list(found[2:])))

    def _score(
        self,
        year: int,
        folder: str,
        output: Path,
        classes: int,
        average: str,
        *,
        jackknife: bool = False,
        onscreen: bool = False,
        segment: bool = False,
    ) -> tuple:
        module, _ = self.made[year]
        options = {
            "dataset_dir": "",
            "lad_doa_thresh": 20,
            "lad_dist_thresh": np.inf,
            "lad_reldist_thresh": 1.0,
            "lad_req_onscreen": onscreen,
            "modality": "audio_visual",
            "average": average,
            "nb_classes": classes,
            "segment_based_metrics": segment,
            "evaluate_distance": not segment,
        }
        if year < 2025:
            module.cls_feature_class.FeatureClass = lambda _: self.features(year, classes)
        scorer = module.ComputeSELDResults(options, ref_files_folder=folder)
        return scorer.get_SELD_Results(str(output), *([jackknife] if year >= 2022 else []))


def figure(value: Any) -> float | None:
    """A number, or null for NaN."""
    return None if math.isnan(value) else float(value)


def official(scripts: Scripts, year: int, case: Case, **options: bool) -> dict[str, Any]:
    """Figures of one case, and intervals of the jackknife where it runs."""
    classes, average = CLASSES.get(year, case.classes), case.average if year >= 2022 else "micro"
    names = SEGMENTS if options.get("segment") else NAMES[year]
    with tempfile.TemporaryDirectory() as folder:
        reference, output = Path(folder, "reference"), Path(folder, "output")
        write(reference, case.reference, FORMS[year][0])
        write(output, case.output, FORMS[year][1])
        try:
            found = scripts.score(year, reference, output, classes, average, **options)
        except Exception as error:
            return {"stops": type(error).__name__}
        made: dict[str, Any] = {name: figure(value) for name, value in zip(names, found)}
        if average == "macro" and year >= 2022:
            made["classes"] = {n: [figure(v) for v in row] for n, row in zip(names, found[len(names)])}
        if len(case.output) > 2 and 2022 <= year < 2025:
            with_interval = scripts.score(year, reference, output, classes, average, jackknife=True, **options)
            made["jackknife"] = {name: [float(end) for end in part[1]] for name, part in zip(names, with_interval)}
    return made


def forms(scripts: Scripts, year: int) -> dict[str, Any]:
    """Figures of one recording, its outputs in every form."""
    made: dict[str, Any] = {}
    for form in ALL_FORMS:
        with tempfile.TemporaryDirectory() as folder:
            reference, output = Path(folder, "reference"), Path(folder, "output")
            write(reference, {"a": FORM_ROWS}, FORMS[year][0])
            write(output, {"a": FORM_ROWS}, form)
            try:
                found = scripts.score(year, reference, output, CLASSES.get(year, 2), "micro")
                made[form] = {name: figure(value) for name, value in zip(NAMES[year], found)}
            except Exception as error:
                made[form] = {"stops": type(error).__name__}
    return made


def main() -> None:
    """Print every figure."""
    scripts = Scripts(Path(sys.argv[1]).resolve())
    made: dict[str, Any] = {"cases": {}, "forms": {str(year): forms(scripts, year) for year in YEARS}}
    for name, case in cases().items():
        found = {str(year): official(scripts, year, case) for year in YEARS}
        found["2024 segment"] = official(scripts, 2024, case, segment=True)
        found["2025 onscreen"] = official(scripts, 2025, case, onscreen=True)
        # The scripts of 2022 and 2023 are the same; a difference would come from the files alone.
        if found["2023"] == found["2022"]:
            del found["2023"]
        made["cases"][name] = found
    print(json.dumps(made, separators=(",", ":")))


if __name__ == "__main__":
    main()

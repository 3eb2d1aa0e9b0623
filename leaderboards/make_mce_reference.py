"""Write the errors of a run as an mCE reference: `python leaderboards/make_mce_reference.py RUN VERSION > FILE.json`.

mCE divides a model's errors by those of a reference model (Hendrycks and Dietterich 2019). A reference belongs to one
dataset and one metric, has a version, and is shipped with the suite that names it (`metrics.mce_reference`); it never
changes under its name.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchbed.errors import ConfigError
from benchbed.perturb import CORRUPTIONS
from benchbed.provenance import code_hash
from benchbed.results.record import Result
from benchbed.results.store import read


def reference_of(result: Result, version: str) -> dict:
    """Errors of a run by corruption and severity, in the form that suites read.

    Raises
    ------
    ConfigError
        The run has no clean cell, failures, a limit, another benchbed, or a ranking metric that is no share of right
        answers.
    """
    clean = next((cell for cell in result.cells if cell.condition.kind == "clean"), None)
    if clean is None or result.dataset.limit is not None or result.failures:
        raise ConfigError("a reference needs a whole run with a clean cell and without failures")
    about = clean.metrics[result.primary]
    if about.unit != "fraction" or about.direction != "higher" or about.value is None:
        raise ConfigError(f"{result.primary} has no error to divide by")
    if result.provenance.code != code_hash("."):
        raise ConfigError(
            "the run was made by another version of benchbed, so that nothing says which versions its corruptions had",
            hint="run the suite again",
        )
    known, errors = set(CORRUPTIONS.names()), dict[str, dict[str, float]]()
    for cell in result.cells:
        value = cell.metrics[result.primary].value
        if cell.condition.kind in ("corruption", "device") and value is not None:
            errors.setdefault(cell.condition.name, {})[str(cell.condition.severity)] = round(1 - value, 6)
    return {
        "name": result.model.name,
        "version": version,
        "dataset": result.dataset.name,
        "dataset_version": result.dataset.version,
        "index_hash": result.dataset.index_hash,
        "metric": result.primary,
        "suite": f"{result.suite.name} {result.suite.version}",
        "weights": result.model.weights,
        "corruptions": {name: CORRUPTIONS.get(name).CORRUPTION.version for name in errors if name in known},
        "clean": round(1 - about.value, 6),
        "errors": errors,
    }


def main() -> None:
    """Read the run, print the reference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("version")
    given = parser.parse_args()
    print(json.dumps(reference_of(read(given.run), given.version), indent=1))


if __name__ == "__main__":
    main()

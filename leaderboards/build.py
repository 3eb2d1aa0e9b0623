"""Build the example board in `leaderboards/site`: the shipped models on the shipped suites, all on synthetic data.

    python leaderboards/build.py                 # ten minutes on one core; stored predictions are reused
    python leaderboards/build.py --limit 20 --suite dcase_task1 --out /somewhere

It uses nothing but the command line, so it is also an example of a board that is kept up to date by a machine.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
#: Suite → most clips per split (none: all), and clips worth hearing that its pages carry. A hundred and thirty
#: perturbations of every clip would take an hour; the pages say that a limit was used.
SUITES: dict[str, tuple[int | None, int]] = {"dcase_task1": (None, 2), "robustness_asc": (64, 1)}
MODELS = ("cnn", "passt")
TITLE = "Example board: synthetic data, shipped models"


def main() -> None:
    """Run what is missing, and write the pages; the models of every suite are compared by `leaderboard` itself."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", type=Path, default=HERE / "site", help="folder of the pages")
    options.add_argument("--runs", type=Path, default=ROOT / "runs" / "board", help="folder of the runs")
    options.add_argument("--suite", action="append", choices=list(SUITES), help="only these suites")
    options.add_argument("--limit", type=int, help="score at most so many clips per split")
    chosen = options.parse_args()
    for suite in chosen.suite or SUITES:
        models = [part for name in MODELS for part in ("--model", f"adapters/{name}.py")]
        most, clips = SUITES[suite]
        most = chosen.limit or most
        limit, keep = ["--limit", str(most)] if most else [], ["--listen", str(clips)]
        _benchbed("run", f"suites/{suite}.yaml", *models, *limit, *keep, "--out", str(chosen.runs), "--quiet")
    runs = [str(chosen.runs / suite) for suite in chosen.suite or SUITES]
    # Pages of an earlier build, whose runs may have other addresses, must not linger.
    shutil.rmtree(chosen.out, ignore_errors=True)
    print(_benchbed("leaderboard", *runs, "--title", TITLE, "--out", str(chosen.out)).strip())


def _benchbed(*words: str) -> str:
    done = subprocess.run([sys.executable, "-m", "benchbed", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"benchbed {' '.join(words)} ended with {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    main()

"""Build the example board in `leaderboards/site`: the shipped models on the shipped suites, all on synthetic data.

    python leaderboards/build.py                 # about five minutes of CPU time; stored predictions are reused
    python leaderboards/build.py --limit 20 --suite dcase_task1 --out /somewhere

It uses nothing but the command line, so it is also an example of a board that is kept up to date by a machine.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


@dataclass(frozen=True)
class Part:
    """One suite of the board.

    Attributes
    ----------
    models : mapping of str to sequence of str
        Adapter, under `adapters/` and without its ending, by the name it has here; options behind it.
    most : int or None
        Most clips per split; none is all. The pages say that a limit was used.
    settings : tuple of str
        Changes of the suite, which its pages name.
    """

    models: Mapping[str, tuple[str, ...]]
    most: int | None = None
    settings: tuple[str, ...] = ()


SCENES = {
    "cnn": ("cnn",),
    "passt_tiny": ("passt",),
    "bc_resnet": ("bc_resnet",),
    "dcase2024_baseline": ("cp_mobile",),
    "m5": ("mcnn",),
    "vit_small": ("vit_asc",),
}
#: The short ensemble, and noise.
ATTACKS = (
    "[clean, {attack: white_noise, budgets: [20, 10, 0, -10], options: {draws: 1}}, "
    "{attack: fast, budgets: [70, 60, 50, 40, 30]}]"
)
#: Suite → its models and how much of it. A hundred and thirty perturbations of every clip, or the whole ensemble of
#: attacks, would take hours: the board has few clips and the short ensemble there, and says so.
SUITES: dict[str, Part] = {
    "dcase_task1": Part(SCENES, 200),
    "robustness_asc": Part(SCENES, 24),
    "adversarial_asc": Part(SCENES, 8, (f"suite.conditions={ATTACKS}",)),
    "dcase_task4": Part({"crnn": ("crnn",), "cnn_transformer": ("cnn_transformer",)}, 24),
    "dcase_task3": Part({"seldnet_crnn": ("seldnet",), "seldnet_attention": ("seldnet", "arch=attention")}),
    "dcase_task6_retrieval": Part({"dual_encoder": ("dual_encoder",)}, 24),
}
#: Models whose clips can be heard on their pages; sounds are most of what a page weighs.
HEARD = ("cnn",)
TITLE = "Example board: synthetic data, shipped models"


def main() -> None:
    """Run what is missing, and write the pages; the models of every suite are compared by `leaderboard` itself."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", type=Path, default=HERE / "site", help="folder of the pages")
    options.add_argument("--runs", type=Path, default=ROOT / "runs" / "board", help="folder of the runs")
    options.add_argument("--suite", action="append", choices=list(SUITES), help="only these suites")
    options.add_argument("--model", action="append", help="only these models")
    options.add_argument("--limit", type=int, help="score at most so many clips per split")
    chosen = options.parse_args()
    for suite in chosen.suite or SUITES:
        part = SUITES[suite]
        models = {name: held for name, held in part.models.items() if name in (chosen.model or part.models)}
        words = [w for name, (adapter, *_) in models.items() for w in ("--model", f"{name}=adapters/{adapter}.py")]
        own = [f"{name}.{setting}" for name, (_, *settings) in models.items() for setting in settings]
        words += [word for setting in (*own, *part.settings) for word in ("--set", setting)]
        most = chosen.limit or part.most
        words += ["--limit", str(most)] if most else []
        made = _benchbed("run", f"suites/{suite}.yaml", *words, "--listen", "1", "--out", str(chosen.runs), "--quiet")
        for record in made.split():
            if Path(record).parent.name not in HEARD:
                shutil.rmtree(Path(record).parent / "listen", ignore_errors=True)
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

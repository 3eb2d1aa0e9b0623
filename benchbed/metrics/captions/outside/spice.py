"""SPICE (Anderson et al. 2016) by its own Java program: F-score of the propositions in captions and references."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchbed.errors import CannotMeasure
from benchbed.metrics.captions.ngrams import Tokens

NAME = "spice"
TITLE = "SPICE's folder"
WHAT = "SPICE's folder, with spice-1.0.jar and lib/ with both jars of Stanford CoreNLP 3.6.0"
RULE = "spice-1.0:f-score"
JAR = "spice-1.0.jar"
#: What the program itself does not bring along.
LIBRARIES = ("stanford-corenlp-3.6.0.jar", "stanford-corenlp-3.6.0-models.jar")
#: Seconds after which a run counts as stuck, at least and for each clip.
PATIENCE = (600, 5)

_known: dict[tuple[Path, Tokens, tuple[Tokens, ...]], float] = {}


def fault(path: Path) -> str:
    """Why a path cannot be SPICE's folder; empty where it can."""
    folder = path.parent if path.is_file() else path
    lacking = [name for name in (JAR, *(f"lib/{held}" for held in LIBRARIES)) if not (folder / name).is_file()]
    if lacking:
        return f"{folder} has no {' and no '.join(lacking)}"
    return "" if shutil.which("java") else "there is no java"


def scores(path: Path, candidates: Sequence[Tokens], references: Sequence[Sequence[Tokens]]) -> np.ndarray:
    """SPICE of each clip `[clip]`; NaN where neither side says anything that the program understands.

    Parameters
    ----------
    path : Path
        The folder, or the jar in it.
    candidates, references : sequences of tokens, and of sequences of these

    Raises
    ------
    CannotMeasure
        The program fails, gives no figure for a clip, or does not come to an end.
    """
    keys = [(path, tuple(one), tuple(map(tuple, held))) for one, held in zip(candidates, references)]
    new = list(dict.fromkeys(key for key in keys if key not in _known))
    if new:
        _known.update(zip(new, _run(path, new)))
    return np.array([_known[key] for key in keys])


def _run(path: Path, clips: Sequence[tuple[Path, Tokens, tuple[Tokens, ...]]]) -> list[float]:
    jar = path if path.is_file() else path / JAR
    with tempfile.TemporaryDirectory(prefix="benchbed-spice-") as scratch:
        asked, told, cache = (Path(scratch) / name for name in ("in.json", "out.json", "cache"))
        cache.mkdir()
        items = [
            {"image_id": number, "test": " ".join(one), "refs": [" ".join(text) for text in references]}
            for number, (_, one, references) in enumerate(clips)
        ]
        asked.write_text(json.dumps(items), encoding="utf-8")
        # From Java 17 on its cache may look into java.lang only when that is said.
        command = ["java", "--add-opens", "java.base/java.lang=ALL-UNNAMED", "-Xmx8G", "-jar", str(jar), str(asked)]
        command += ["-cache", str(cache), "-out", str(told), "-subset", "-silent"]
        limit = PATIENCE[0] + PATIENCE[1] * len(clips)
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit, cwd=scratch)
            if done.returncode:
                said = (done.stderr or done.stdout).strip().splitlines()
                raise CannotMeasure(f"SPICE's program failed: {said[0] if said else f'exit {done.returncode}'}")
            scores = {item["image_id"]: item["scores"]["All"]["f"] for item in json.loads(told.read_text("utf-8"))}
            return [_number(scores[number]) for number in range(len(items))]
        except subprocess.TimeoutExpired as error:
            raise CannotMeasure(f"SPICE's program had not ended after {limit} s") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CannotMeasure(f"SPICE's program gave no figure for every clip: {error}") from error


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")

"""METEOR's own program, for the stage that needs its table of paraphrases: one Java process, asked clip by clip."""

from __future__ import annotations

import subprocess
import weakref
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from benchbed.errors import CannotMeasure
from benchbed.metrics.captions.meteor.scoring import read
from benchbed.metrics.captions.ngrams import Tokens

#: The table of paraphrases, beside the jar.
TABLE = Path("data") / "paraphrase-en.gz"


class Jar:
    """A running METEOR 1.5 with all four stages.

    Parameters
    ----------
    path : Path
        `meteor-1.5.jar`, with `data/paraphrase-en.gz` beside it.
    java : str
        Java's executable.

    Raises
    ------
    CannotMeasure
        It does not start.
    """

    def __init__(self, path: Path, java: str) -> None:
        # The locale decides how Java reads numbers, and would refuse its own.
        command = [java, "-Duser.country=US", "-Duser.language=en", "-Xmx2G", "-jar", str(path)]
        try:
            self._process = subprocess.Popen(
                [*command, "-", "-", "-stdio", "-l", "en", "-norm"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
            )
        except OSError as error:
            raise CannotMeasure(f"METEOR's jar did not start: {error}", where=str(path)) from error
        self._close = weakref.finalize(self, self._process.kill)
        self._path = path

    def statistics(self, candidate: Tokens, references: Sequence[Tokens]) -> np.ndarray:
        """Statistics of a clip, as `benchbed.metrics.captions.meteor.scoring.statistics` gives them.

        Raises
        ------
        CannotMeasure
            The program ended, or gave something else.
        """
        line = " ||| ".join(("SCORE", *(" ".join(reference) for reference in references), " ".join(candidate)))
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        try:
            stdin.write(line + "\n")
            stdin.flush()
            return read(stdout.readline())
        except (OSError, ValueError) as error:
            raise CannotMeasure(
                f"METEOR's jar gave no figure: {error}", where=str(self._path), hint="does it run by itself?"
            ) from error


@lru_cache(maxsize=2)
def running(path: Path, java: str) -> Jar:
    """The program for a jar; it stays, because reading its table takes seconds."""
    return Jar(path, java)

"""Which stages of METEOR 1.5 can run with what is at hand, and their statistics of many clips."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from benchbed.errors import ConfigError
from benchbed.metrics.captions.meteor import jar
from benchbed.metrics.captions.meteor.alignment import STAGES
from benchbed.metrics.captions.meteor.lexicon import Lexicon, check, lexicon
from benchbed.metrics.captions.meteor.normal import normal
from benchbed.metrics.captions.meteor.scoring import WIDTH, statistics
from benchbed.metrics.captions.ngrams import Tokens

#: Environment variable that names the jar.
VARIABLE = "BENCHBED_METEOR"
#: All stages; the last needs Java.
ALL = (*STAGES, "paraphrase")


@dataclass(frozen=True)
class StageChoice:
    """What runs.

    Attributes
    ----------
    stages : tuple of str
        Beginning of `ALL`; none where the jar that was named cannot be used.
    path : Path, optional
        The jar, or a folder that it was unpacked to; without it there are no synonyms, and no words of function.
    java : str, optional
        Java, where the paraphrase stage runs.
    why : str
        Why not all stages run; empty where they do, or where fewer were asked for.
    """

    stages: tuple[str, ...]
    path: Path | None = None
    java: str | None = None
    why: str = ""

    @property
    def rule(self) -> str:
        """Name of the rule.

        Examples
        --------
        >>> StageChoice(("exact", "stem")).rule
        'meteor-1.5:exact+stem:all-words-alike'
        """
        return f"meteor-1.5:{'+'.join(self.stages) or 'none'}" + ("" if self.path else ":all-words-alike")

    def statistics(self, candidates: Sequence[Tokens], references: Sequence[Sequence[Tokens]]) -> np.ndarray:
        """Statistics of clips `[clip, WIDTH]`, with words as the tokeniser gives them.

        Raises
        ------
        CannotMeasure
            The Java program fails.
        """
        rows = [_row(self, tuple(one), tuple(map(tuple, held))) for one, held in zip(candidates, references)]
        return np.stack(rows) if rows else np.zeros((0, WIDTH))


@lru_cache(maxsize=65536)
def _row(choice: StageChoice, candidate: tuple[str, ...], references: tuple[tuple[str, ...], ...]) -> np.ndarray:
    # The same caption comes again under mild conditions.
    if choice.java is not None and choice.path is not None:
        return jar.running(choice.path, choice.java).statistics(candidate, references)
    words = Lexicon() if choice.path is None else lexicon(choice.path)
    one, *others = (normal(" ".join(text), words.prefixes) for text in (candidate, *references))
    return statistics(one, others, choice.stages, words)


def choose(path: str | Path | None = None, stages: str | None = None) -> StageChoice:
    """The stages that run.

    Parameters
    ----------
    path : path, optional
        METEOR's jar; else the one that `BENCHBED_METEOR` names, else that of the package pycocoevalcap where it is
        installed.
    stages : str, optional
        `exact+stem`, …: only these; by default all that can run.

    Raises
    ------
    ConfigError
        A jar that is none, or stages that cannot run.

    Examples
    --------
    >>> choose(stages="exact").stages
    ('exact',)
    """
    found = _given(path)
    asked = ALL if stages is None else tuple(stages.split("+"))
    if not asked or asked != ALL[: len(asked)]:
        raise ConfigError(f"METEOR's stages are '{stages}'", hint=f"one of {', '.join(map(_joined, range(1, 5)))}")
    java = shutil.which("java")
    possible, why = 4, ""
    if found is None:
        possible, why = 2, f"METEOR's jar is not at hand: option meteor, or {VARIABLE}"
    elif not found.is_file() or not (found.parent / jar.TABLE).is_file():
        possible, why = 3, f"there is no {jar.TABLE} beside METEOR's jar"
    elif java is None:
        possible, why = 3, "there is no java"
    if found is not None:
        check(found)
    if stages is not None and len(asked) > possible:
        raise ConfigError(f"METEOR's stages {stages} cannot all run: {why}", hint=f"ask for {_joined(possible)}")
    run = asked[:possible]
    return StageChoice(run, found, java if len(run) == 4 else None, why if len(run) < len(asked) else "")


def _joined(number: int) -> str:
    return "+".join(ALL[:number])


def _given(path: str | Path | None) -> Path | None:
    named = path or os.environ.get(VARIABLE)
    if named:
        found = Path(named).expanduser()
        if not found.exists():
            raise ConfigError(
                "there is no such jar of METEOR", where=str(found), hint="give the path of meteor-1.5.jar"
            )
        return found.resolve()
    package = importlib.util.find_spec("pycocoevalcap")
    for folder in package.submodule_search_locations or () if package else ():
        if (installed := Path(folder) / "meteor" / "meteor-1.5.jar").is_file():
            return installed
    return None

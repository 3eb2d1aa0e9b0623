"""Answers that somebody else computed, as models that replay them."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from benchbed.errors import ConfigError
from benchbed.outputs import output_of
from benchbed.suite.load import LoadedSuite

if TYPE_CHECKING:
    import pandas as pd

#: What the columns of scores begin with in a table of predictions.
SCORE = "score."
#: Adapter for the files of any kind of output.
ANY = "answers"


def reader_of(loaded: LoadedSuite) -> tuple[str, dict[str, str]]:
    """The adapter that reads foreign answers to a suite's task, and its options besides the file."""
    output = output_of(loaded.suite.task)
    about = {name: str(value) for name, value in loaded.suite.files.items()}
    return output.reader, {"output": output.name, **about} if output.reader == ANY else about


def name_of(answers: Path) -> str | None:
    """Name of what stands in one file or folder for each split, step or domain; None where it is one file.

    Without it the model would be called after the first of its files.

    Examples
    --------
    >>> name_of(Path("mine/{step}.csv")), name_of(Path("mine_{split}.csv")), name_of(Path("mine.csv"))
    ('mine', 'mine', None)
    >>> name_of(Path("/{step}.csv")) is None
    True
    """
    if "{" not in str(answers):
        return None
    plain = answers.with_suffix("")
    for part in reversed(plain.relative_to(plain.anchor).parts):
        if name := re.sub(r"\{(split|step|domain)\}", "", part).strip(" ._-"):
            return name
    return None


@contextlib.contextmanager
def written(answers: str | Path | pd.DataFrame, name: str | None) -> Iterator[Path]:
    """Answers as a file: as they are, or a table in memory for as long as the block lasts."""
    if isinstance(answers, (str, Path)):
        yield Path(answers)
        return
    with tempfile.TemporaryDirectory(prefix="benchbed-answers-") as folder:
        path = Path(folder) / f"{name or 'answers'}.csv"
        plain_table(answers).to_csv(path, index=False)
        yield path


def plain_table(answers: pd.DataFrame) -> pd.DataFrame:
    """A table of answers as files have it: what `Run.predictions` gives loses all but ids and scores.

    Raises
    ------
    ConfigError
        Predictions of several cells, or of several draws of one.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"clip_id": ["a"], "cell": "scene/test/clean", "score.bus": [0.8], "score.tram": [0.2]})
    >>> plain_table(table).columns.tolist()
    ['clip_id', 'bus', 'tram']
    """
    scores = [column for column in map(str, answers.columns) if column.startswith(SCORE)]
    if not scores or "clip_id" not in answers.columns:
        return answers
    if answers["clip_id"].duplicated().any():
        cells = sorted(set(answers["cell"].astype(str))) if "cell" in answers.columns else []
        raise ConfigError(
            "the predictions are of several cells or draws, so that a clip has more than one answer",
            hint=f"those of one, e.g. run.predictions('{cells[0]}')" if len(cells) > 1 else "one row for each clip",
        )
    return answers[["clip_id", *scores]].rename(columns=lambda column: str(column).removeprefix(SCORE))

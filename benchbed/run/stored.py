"""Answers that somebody else computed, as models that replay them."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from benchbed.outputs import output_of
from benchbed.suite.load import LoadedSuite

if TYPE_CHECKING:
    import pandas as pd

#: Adapter for the files of any kind of output.
ANY = "answers"


def reader_of(loaded: LoadedSuite) -> tuple[str, dict[str, str]]:
    """The adapter that reads foreign answers to a suite's task, and its options besides the file."""
    output = output_of(loaded.suite.task)
    about = {name: str(value) for name, value in loaded.suite.files.items()}
    return output.reader, {"output": output.name, **about} if output.reader == ANY else about


@contextlib.contextmanager
def written(answers: str | Path | pd.DataFrame, name: str | None) -> Iterator[Path]:
    """Answers as a file: as they are, or a table in memory for as long as the block lasts."""
    if isinstance(answers, (str, Path)):
        yield Path(answers)
        return
    with tempfile.TemporaryDirectory(prefix="benchbed-answers-") as folder:
        path = Path(folder) / f"{name or 'answers'}.csv"
        answers.to_csv(path, index=False)
        yield path

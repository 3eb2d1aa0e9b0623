"""Claims of the literature, judged by runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchbed.api.boards import records_of
from benchbed.suite.load import shipped_folder
from benchbed.threads import one_thread

if TYPE_CHECKING:
    from benchbed.api.run import Run
    from benchbed.compare.claims import Judged


@one_thread
def judged(runs: str | Path | Run | Sequence[str | Path | Run], folder: str | Path | None = None) -> list[Judged]:
    """What runs say of every claim of a folder.

    Parameters
    ----------
    runs : Run, path, pattern, or list of them
    folder : str or Path, optional
        Of claims; those that come with benchbed by default.

    Raises
    ------
    ConfigError
        A file that is no claim.

    Examples
    --------
    >>> judged("runs/**")  # doctest: +SKIP
    """
    from benchbed.compare.claims import detailed, judge, read_claims

    place = Path(folder) if folder is not None else shipped_folder("suites") / "claims"
    claims = read_claims(place)
    return judge(claims, [result for _, result in records_of(runs, summary=not any(map(detailed, claims)))])

"""How many heads an image shows, from what annotators of crowds leave: a density map, or a file of points.

A density map (`.mat`, variable `map`) is a Gaussian of area one around every head, cut at the border of the image: its
sum is the count that published evaluators use, a little below the number of heads. A map of a Full-HD image takes
17 MB, so sums are kept in the cache folder, by name, size and time of each file.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchbed.cache import cache_folder, recall, remember
from benchbed.errors import DataError

#: Sums this little below zero are the rounding of a map without anybody.
ROUNDING = 1e-6


def density_counts(root: Path, names: Sequence[str]) -> np.ndarray:
    """Sum of each density map `[file]`.

    Parameters
    ----------
    root : Path
        Folder that names are relative to.
    names : sequence of str
        `.mat` files.

    Raises
    ------
    DataError
        A file that is no such map, or a sum that is no count.
    """
    kept = (
        cache_folder() / "density" / f"{hashlib.blake2b(str(root.resolve()).encode(), digest_size=12).hexdigest()}.json"
    )
    known = recall(kept)
    found, fresh = [], {}
    for name in names:
        state = (root / name).stat()
        stamp = [state.st_size, state.st_mtime_ns]
        held = known.get(name)
        if not (isinstance(held, list) and held[:2] == stamp and len(held) == 3):
            held = [*stamp, _total(root / name)]
            fresh[name] = held
        found.append(float(held[2]))
    if fresh:
        # What is not remembered is summed again the next time.
        with contextlib.suppress(OSError):
            remember(kept, {**known, **fresh})
    return np.array(found, np.float64)


def _total(path: Path) -> float:
    from scipy.io import loadmat

    try:
        content = loadmat(path, variable_names=["map"])
    except Exception as error:  # whatever a damaged file makes of the reader
        raise DataError(
            f"the density map cannot be read ({type(error).__name__})", where=str(path), hint="unpack the archive again"
        ) from error
    grid = content.get("map")
    if not isinstance(grid, np.ndarray) or grid.ndim != 2 or grid.dtype.kind not in "fiu":
        raise DataError("the file has no density map", where=str(path), hint="a matrix called 'map'")
    total = float(np.asarray(grid, np.float64).sum())
    if not np.isfinite(total) or total < -ROUNDING:
        raise DataError(f"the density map sums to {total:g}", where=str(path), hint="a count is finite, 0 or more")
    return max(total, 0.0)


def point_count(path: Path) -> int:
    """Heads of a file of points, a row `x y` for each; an empty file is an image without anybody.

    Raises
    ------
    DataError
        A row that is not two numbers.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "new_0001.txt"
    >>> _ = file.write_text("12 40\\n300 22\\n")
    >>> point_count(file)
    2
    """
    rows = [line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    for number, row in enumerate(rows, start=1):
        if row and not _is_point(row):
            raise DataError(
                f"'{' '.join(row)}' is no point of an image", where=f"{path}:{number}", hint="x and y, apart by a space"
            )
    return sum(map(bool, rows))


def _is_point(row: Sequence[str]) -> bool:
    try:
        return len(row) == 2 and bool(np.isfinite([float(value) for value in row]).all())
    except ValueError:
        return False

"""Files of weights as an adapter names them."""

from __future__ import annotations

import sys
from pathlib import Path

from benchbed.adapter.asking import told
from benchbed.adapter.contract import Adapter
from benchbed.errors import AdapterError


def weight_paths(adapter: Adapter) -> list[Path]:
    """What `weights` of an adapter names.

    Raises
    ------
    AdapterError
        It raises, names what is no path, or a file that is not there.

    Examples
    --------
    >>> class Silent(Adapter):
    ...     def predict(self, batch): ...
    >>> weight_paths(Silent())
    []
    """
    try:
        paths = [Path(path) for path in adapter.weights()]
    except Exception as error:
        raise AdapterError(
            f"weights() of the adapter cannot be used: {told(error)}",
            where=getattr(sys.modules.get(type(adapter).__module__), "__file__", None),
            hint="return a list of paths, empty for none",
        ) from error
    gone = [path for path in paths if not path.exists()]
    if gone:
        raise AdapterError(
            "weights() of the adapter names a file that is not there",
            where=str(gone[0]),
            hint="name the files that `load` read",
        )
    return paths

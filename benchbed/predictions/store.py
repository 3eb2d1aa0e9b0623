"""One parquet file per unit of work: a row per (clip, cell, draw) with the scores and every metadata column.

A unit file is complete or absent: it is written beside its place and renamed. It carries what the scores mean (labels,
cells, failures, the key of the unit) in its own metadata, and a digest over all its bytes, so that a folder of them
needs no index to be read and a damaged one is never taken for whole. Which of them a record is made of stands in
`predictions.json` beside it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbed.errors import DamagedError, DataError
from benchbed.nesting import json_of
from benchbed.outputs import output_of
from benchbed.outputs.columns import doubled, in_double, precision_of
from benchbed.seal import PLACE, parquet_digest, seal_parquet
from benchbed.whole import storage_error, write_whole

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from benchbed.outputs.contract import Output

#: Version of the file layout.
FORMAT = 1

#: Columns that stand beside answers of any kind.
_COLUMNS = (
    "clip_id",
    "cell",
    "draw",
    "group",
    "label",
    "prediction",
    "achieved",
    "skipped",
    "note",
    "padded",
    "cropped",
    "resampled",
    "remixed",
    "silent",
    "peak",
    "remark",
    "unheard",
    # of attacks
    "attacked",
    "clean_correct",
    "noise_correct",
    "carried",
    "robust",
    "margin",
    "correct_share",
    "clean_share",
    "with_gradient",
    "certified",
    "certified_snr",
    "certified_radius",
    "certificate_abstained",
    "broken_by",
    "broken_step",
    "passes",
    "members",
    "snr",
    "linf",
    "score_clean",
    "score_noise",
    "score_attacked",
    "missed",
    "inserted",
)

_HEADER = b"benchbed"

#: Unit files that are joined before more are read: each brings names of its own, which joining makes one.
_AT_ONCE = 128

_AGAIN = "delete it and run again: only this unit is computed anew"


def own_columns(output: Output) -> frozenset[str]:
    """Columns benchbed itself writes; a metadata column of the same name is stored with the prefix `source_`."""
    return frozenset((*_COLUMNS, *output.columns))


@dataclass
class UnitPredictions:
    """What one unit of work yields.

    Attributes
    ----------
    unit : str
        Content-addressed id of the unit.
    labels : tuple of str
        Class names in the order of the scores.
    columns : dict of str to sequence
        `clip_id`, `cell`, `draw`, `group`, `label`, `achieved`, `skipped`, `note`, the flags, and metadata columns.
    scores : np.ndarray [shape=(row, …)]
        Answers as the output kind has them, e.g. probabilities in the order of `labels`.
    failures : list of dict
        `clip_id`, `cell`, `stage`, `message` of every clip without a prediction.
    info : dict
        Further facts for the record (CPU seconds, code version).
    kind : str
        Output kind.
    references : np.ndarray [shape=(row,), object], optional
        Reference of each row as its condition left it, of kinds that something moves.

    Examples
    --------
    >>> unit = UnitPredictions("u", ("a", "b"), {"clip_id": ["x"]}, np.array([[0.1, 0.9]], np.float32))
    >>> len(unit)
    1
    """

    unit: str
    labels: tuple[str, ...]
    columns: Mapping[str, Sequence[object] | np.ndarray]
    scores: np.ndarray
    failures: list[dict[str, str]] = field(default_factory=list)
    info: dict[str, Any] = field(default_factory=dict)
    kind: str = "scene"
    references: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.scores)


def write_unit(unit: UnitPredictions, folder: Path) -> Path:
    """Write a unit as `<folder>/<unit id>.parquet`, whole or not at all.

    Raises
    ------
    CannotMeasure
        The disk is full or the folder cannot be written; finished units stay, and the run can be continued.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = {name: _column(name, values) for name, values in unit.columns.items()}
    arrays |= output_of(unit.kind).pack(unit.scores, unit.references, unit.labels)
    header = {
        "format": FORMAT,
        "kind": unit.kind,
        "unit": unit.unit,
        "labels": list(unit.labels),
        "failures": unit.failures,
        "info": unit.info,
    }
    table = pa.table(arrays).replace_schema_metadata({_HEADER: json.dumps(header).encode()})
    path = folder / f"{unit.unit}.parquet"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Scores are nearly incompressible; the text columns shrink by dictionary encoding alone.
        plain = [name for name, array in arrays.items() if not pa.types.is_nested(array.type)]
        buffer = io.BytesIO()
        with pq.ParquetWriter(buffer, table.schema, compression="zstd", use_dictionary=plain) as writer:
            writer.write_table(table)
            writer.add_key_value_metadata(PLACE)
        write_whole(path, seal_parquet(buffer.getvalue()))
    except OSError as error:
        raise storage_error(error, folder) from error
    return path


def _column(name: str, values: Sequence[object] | np.ndarray) -> pa.Array:
    import pyarrow as pa

    # Of clips without any label nothing else would say that labels are text.
    lists = name == "label" and len(values) > 0 and isinstance(values[0], tuple | list)
    return pa.array(values, pa.list_(pa.string()) if lists else None, from_pandas=True)


def read_header(path: Path) -> dict[str, Any] | None:
    """Header of a unit file with the file's `digest`, or None if the file is not as such a file was written."""
    found = _opened(path)
    return None if found is None else found[0]


def _opened(path: Path) -> tuple[dict[str, Any], bytes] | None:
    """Header and bytes of a unit file; None where it is damaged, or no unit of this format."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        data = path.read_bytes()
        digest = parquet_digest(data)
        if digest is None:
            return None
        header = json_of((pq.read_schema(pa.BufferReader(data)).metadata or {})[_HEADER])
    except (OSError, KeyError, ValueError, pa.ArrowException):
        return None
    return ({**header, "digest": digest}, data) if header.get("format") == FORMAT else None


@dataclass(frozen=True)
class UnitFacts:
    """What a unit file says of its rows without giving them.

    Attributes
    ----------
    rows : int
        Predictions.
    labels, kind, failures, info, digest
        As in `Predictions`.
    precision : dict of str to str
        Column of numbers, or of lists of them → `float` or `double`.
    cells : tuple of str
        Keys of the cells that rows are of, where that was asked.
    """

    rows: int
    labels: tuple[str, ...]
    kind: str
    failures: list[dict[str, str]]
    info: dict[str, Any]
    digest: str
    precision: dict[str, str]
    cells: tuple[str, ...] = ()


def read_facts(path: Path, *, cells: bool = False) -> UnitFacts:
    """What a unit file says of its rows; with `cells`, which cells they are of.

    Raises
    ------
    DamagedError
        It is not as it was written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    header, data = _whole(path)
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        keys = file.read(["cell"])["cell"].unique().to_pylist() if cells else ()
    except (OSError, pa.ArrowException) as error:
        raise DamagedError(f"damaged prediction file ({error})", where=str(path), hint=_AGAIN) from error
    return UnitFacts(
        file.metadata.num_rows,
        tuple(header["labels"]),
        header.get("kind", "scene"),
        header["failures"],
        header.get("info", {}),
        header["digest"],
        precision_of(file.schema_arrow),
        tuple(map(str, keys)),
    )


def _whole(path: Path) -> tuple[dict[str, Any], bytes]:
    opened = _opened(path)
    if opened is None:
        raise DamagedError("not a whole prediction file, or not as it was written", where=str(path), hint=_AGAIN)
    return opened


def len_unit(path: Path) -> int:
    """Predictions in a unit file, from its footer alone."""
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


@dataclass(frozen=True)
class Predictions:
    """All predictions of a run, joined.

    Attributes
    ----------
    labels : tuple of str
        Class names in the order of the scores.
    table : pandas.DataFrame
        A row per (clip, cell, draw): every column but the scores. Text columns are categorical.
    scores : np.ndarray [shape=(row, …)]
        Answers as the output kind has them.
    failures : list of dict
        Clips without a prediction.
    kind : str
        Output kind.
    references : np.ndarray [shape=(row,), object], optional
        Reference of each row as its condition left it, of kinds that something moves.
    info : list of dict
        What each unit noted about how it was made.
    digests : dict of str to str
        Name of each file, without its ending → its digest.
    """

    labels: tuple[str, ...]
    table: pd.DataFrame
    scores: np.ndarray
    failures: list[dict[str, str]]
    kind: str = "scene"
    references: np.ndarray | None = None
    info: list[dict[str, Any]] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)


def read_units(paths: Iterable[Path], double: Collection[str] = ()) -> Predictions:
    """Join unit files; the order of the files does not matter for anything computed from them.

    Parameters
    ----------
    paths : iterable of Path
    double : collection of str
        Columns that are read as float64 even where these files hold them as float32: so they are beside other files.

    Raises
    ------
    DamagedError
        A file is not as it was written.
    DataError
        The files disagree about the classes or the kind of output.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    kind = ""
    tables, failures, labels = [], [], None
    blocks: list[pa.Table] = []
    info: list[dict[str, Any]] = []
    digests: dict[str, str] = {}
    for path in paths:
        header, data = _whole(path)
        if labels is not None and header["labels"] != labels:
            raise DataError("the prediction files disagree about the classes", where=str(path))
        if labels is not None and header.get("kind", "scene") != kind:
            raise DataError("the prediction files hold different kinds of output", where=str(path))
        labels, kind = header["labels"], header.get("kind", "scene")
        failures += header["failures"]
        info.append(header.get("info", {}))
        digests[path.stem] = header["digest"]
        try:
            # Names of clips, and whatever else repeats, as numbers: as text they are most of what a large run weighs.
            text = [field.name for field in pq.read_schema(pa.BufferReader(data)) if _is_text(field.type)]
            # Not `read_table`, which makes a dataset of one file, and loads what makes datasets.
            file = pq.ParquetFile(pa.BufferReader(data), read_dictionary=text)
            table = file.read(use_threads=False).replace_schema_metadata(None)
            tables.append(doubled(table, double))
            if len(tables) == _AT_ONCE:
                blocks.append(_joined(tables))
                tables = []
        except (OSError, pa.ArrowException) as error:
            raise DamagedError(f"damaged prediction file ({error})", where=str(path), hint=_AGAIN) from error
    if labels is None:
        raise DataError("there are no predictions to read")
    joined = _joined([*blocks, *tables])
    del tables, blocks
    output = output_of(kind)
    own = [name for name in output.columns if name in joined.column_names]
    scores, references = output.unpack(joined.select(own), labels)
    rest = joined.drop_columns(own)
    del joined
    text = [field.name for field in rest.schema if _is_text(field.type)]
    rows = rest.to_pandas(categories=text, self_destruct=True, split_blocks=True)
    return Predictions(tuple(labels), rows, scores, failures, kind, references, info, digests)


def _joined(tables: Sequence[pa.Table]) -> pa.Table:
    import pyarrow as pa

    made = pa.concat_tables(in_double(tables), promote_options="permissive").unify_dictionaries().combine_chunks()
    pa.default_memory_pool().release_unused()
    return made


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))

"""Arrow columns whose rows are lists, built and read whole."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa


def in_double(tables: Sequence[pa.Table]) -> list[pa.Table]:
    """Tables whose columns join: where one of them has a column of float32 and another of float64, both in float64.

    Nothing is lost.
    """
    kinds: dict[str, set[str]] = {}
    for table in tables:
        for name, kind in precision_of(table.schema).items():
            kinds.setdefault(name, set()).add(kind)
    mixed = [name for name, types in kinds.items() if len(types) > 1]
    return [doubled(table, mixed) for table in tables]


def precision_of(schema: pa.Schema) -> dict[str, str]:
    """Columns of floating-point numbers, or of lists of them, and whether they are `float` (32 bits) or `double`."""
    import pyarrow as pa

    inner = {field.name: _inner(field.type) for field in schema}
    return {name: str(kind) for name, kind in inner.items() if kind in (pa.float32(), pa.float64())}


def doubled(table: pa.Table, names: Collection[str]) -> pa.Table:
    """A table with some of its columns of floating-point numbers in float64."""
    for name in names:
        if name in table.column_names:
            at = table.schema.get_field_index(name)
            table = table.set_column(at, name, table[name].cast(_doubled(table.schema.field(at).type)))
    return table


def _inner(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    while pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        kind = kind.value_type
    return kind


def _doubled(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_doubled(kind.value_type), kind.list_size)
    if pa.types.is_large_list(kind):
        return pa.large_list(_doubled(kind.value_type))
    if pa.types.is_list(kind):
        return pa.list_(_doubled(kind.value_type))
    return pa.float64()


def whole(column: pa.ChunkedArray) -> pa.Array:
    """A column in one piece."""
    import pyarrow as pa

    made = column.combine_chunks()
    return made if not isinstance(made, pa.ChunkedArray) else pa.concat_arrays(made.chunks)


def starts(lengths: Sequence[int]) -> np.ndarray:
    """Where each list begins in the joined values, and the last one ends."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def joined(parts: Sequence[np.ndarray], kind: type) -> np.ndarray:
    """The values of all lists in a row."""
    return np.concatenate([np.asarray(part, kind) for part in parts] or [np.zeros(0, kind)])


def lists(ends: np.ndarray, values: pa.Array | np.ndarray) -> pa.Array:
    """A column of lists from `starts` and joined values."""
    import pyarrow as pa

    values = values if isinstance(values, pa.Array) else pa.array(values)
    return pa.LargeListArray.from_arrays(pa.array(ends, pa.int64()), values)

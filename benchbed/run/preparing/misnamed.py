"""Labels of stored answers that the data set does not have: which file, row and clip names them, and what was meant.

Which class means which label is decided from names alone, on the card; who wrote a file of answers looks for a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchbed.adapter.contract import Adapter
from benchbed.card import mapped_card
from benchbed.errors import AdapterError, nearest
from benchbed.outputs.align import normalised
from benchbed.outputs.contract import Output

#: Labels that a remark names.
NAMED = 3
_MAPPED = "or map it: label_map of the suite, label of the data set → classes of the file"


def read_as_written(
    output: Output,
    adapter: Adapter,
    labels: Sequence[str],
    label_map: Mapping[str, list[str]] | None,
    offered: Sequence[str],
) -> None:
    """Refuse a model whose classes are not those of the data set; of stored answers by the row that names another one.

    Parameters
    ----------
    output : Output
        What is asked.
    adapter : Adapter
    labels : sequence of str
        Classes of the data set.
    label_map : mapping, optional
        Of the suite.
    offered : sequence of str
        Outputs that the adapter has an option for.

    Raises
    ------
    AdapterError
        As `Output.read` does.
    """
    try:
        output.read(mapped_card(adapter.card, label_map), labels, offered)
    except AdapterError as error:
        told = _misnamed(adapter, labels)
        if not adapter.replays or not told:
            raise
        label, rows, where, meant = told[0]
        if meant not in _unnamed(adapter, labels):
            raise AdapterError(error.what, where=error.where or where, hint=error.hint) from error
        more = f", in {rows} rows" if rows > 1 else ""
        raise AdapterError(
            f"'{label}' is no class of the data set{more}, and no answer names '{meant}'",
            where=where,
            hint=f"did you mean '{meant}'? mend the file, {_MAPPED}",
        ) from error


def misnamed(
    output: Output, adapter: Adapter, labels: Sequence[str], label_map: Mapping[str, list[str]] | None
) -> list[str]:
    """What the record says of decided answers that name a class which the data set does not have, at most one line.

    Parameters
    ----------
    output, adapter, labels, label_map
        As in `read_as_written`, which they have passed.
    """
    matches = getattr(output.read(mapped_card(adapter.card, label_map), labels), "matches", ())
    used = [name for match in matches for name in match.classes]
    found = [one for one in _misnamed(adapter, [*labels, *used]) if one[1]]
    if not found:
        return []
    some = [
        f"'{label}' in {rows} (first {where}{f'; did you mean {meant!r}?' if meant else ''})"
        for label, rows, where, meant in found[:NAMED]
    ]
    rows = sum(rows for _, rows, *_ in found)
    return [
        f"{rows} rows name classes that the data set does not have: {', '.join(some)}"
        + (", …" if len(found) > NAMED else "")
    ]


def _misnamed(adapter: Adapter, labels: Sequence[str]) -> list[tuple[str, int, str, str | None]]:
    """Class that is none of the labels, rows that name it, the place of the first, and the label that was meant.

    Those that look like a label that nothing names come first.
    """
    wanted, unnamed = set(map(normalised, labels)), _unnamed(adapter, labels)
    found = []
    for label in adapter.card.labels:
        if normalised(label) in wanted:
            continue
        if (written := adapter.written(label)) is not None:
            found.append((label, *written, nearest(label, unnamed) or nearest(label, labels)))
    return sorted(found, key=lambda one: (one[3] is None, one[3] not in unnamed, one[2], one[0]))


def _unnamed(adapter: Adapter, labels: Sequence[str]) -> list[str]:
    """Labels that no class of the answers names."""
    known = set(map(normalised, adapter.card.labels))
    return [label for label in labels if normalised(label) not in known]

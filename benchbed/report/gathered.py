"""The numbers of a text apart from its words, so that both pack better.

A table of a hundred conditions says the same around other numbers in each row. With the numbers taken out, its rows
are alike from end to end; and numbers that stand behind the same few letters (those of one column, of one kind of line)
have as many digits and the same first ones. Packed (`benchbed.report.island`), a page's tables and drawings take a
sixth less. The page's script puts the numbers back, as `scattered` does.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque

#: What stands where a number was, and before the words and before the numbers; no page has such letters.
HOLE, END = "\x02", "\x03"
#: Letters in front of a number that say which others it is gathered with.
BEFORE = 8
_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?)")


def gathered(text: str) -> tuple[str, str]:
    """The words of a text with holes in them, and its numbers: a line for each place, in the order of the first ones.

    Parameters
    ----------
    text : str
        Without `HOLE` and `END`.

    Examples
    --------
    >>> gathered("<td>12<td>7.5<td>0")
    ('<td>\\x02<td>\\x02<td>\\x02', '12\\n7.5 0')
    >>> scattered(*gathered("<td>12<td>7.5<td>0"))
    '<td>12<td>7.5<td>0'
    """
    parts = _NUMBER.split(text)
    words, numbers = parts[::2], parts[1::2]
    columns: defaultdict[bytes | str, list[str]] = defaultdict(list)
    if len(text.encode("utf-16-le", "surrogatepass")) == 2 * len(text):
        # Each letter counts once, and says as much as its two bytes.
        for before, number in zip(words, numbers):
            columns[before[-BEFORE:]].append(number)
    else:
        for before, number in zip(words, numbers):
            columns[_place(before)].append(number)
    return HOLE.join(words), "\n".join(" ".join(column) for column in columns.values())


def scattered(words: str, numbers: str) -> str:
    """The text again.

    Examples
    --------
    >>> scattered("no numbers", "")
    'no numbers'
    """
    columns = (deque(line.split(" ")) for line in numbers.split("\n"))
    known: dict[bytes, deque[str]] = {}
    *parts, last = words.split(HOLE)
    made = []
    for before in parts:
        if (place := _place(before)) not in known:
            known[place] = next(columns)
        made += [before, known[place].popleft()]
    return "".join((*made, last))


def _place(before: str) -> bytes:
    # As the page's script counts letters: two for one that lies beyond the first 65,536.
    return before[-BEFORE:].encode("utf-16-le", "surrogatepass")[-2 * BEFORE :]

"""What an answer of a model is, one module per kind of output: its name is the kind.

A module has `OUTPUT`, an instance of a subclass of `benchbed.outputs.contract.Output`. What is done with answers at a
stage of a run lies in an optional module of the same name in that stage: `attack/losses/<kind>`,
`run/attacking/goals/<kind>`, `run/showing/kinds/<kind>`. Another package adds a kind with an entry point of the group
`benchbed.output` that names such a module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbed.kinds import OUTPUTS

if TYPE_CHECKING:
    from benchbed.outputs.contract import Output

__all__ = ["OUTPUTS", "output_of"]


def output_of(kind: str, *, where: str | None = None) -> Output:
    """The kind of output of that name.

    Raises
    ------
    ConfigError
        No such kind; the message suggests the nearest one.

    Examples
    --------
    >>> output_of("scene").classes
    True
    """
    output: Output = OUTPUTS.get(kind, where=where).OUTPUT
    return output

"""The rows of a suite that goes through options of its models (`sweep`)."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from benchbed.api.asked import AskedModel
from benchbed.errors import ConfigError
from benchbed.suite.sweep import rows_of

if TYPE_CHECKING:
    from benchbed.suite.load import LoadedSuite


def swept(loaded: LoadedSuite, models: Sequence[AskedModel]) -> list[AskedModel]:
    """Each model once for every combination of the options that the suite goes through.

    A row's options are what `--set` would give, so that its command makes it again, and its name says them. Options
    that a model was given stay as they are.

    Raises
    ------
    ConfigError
        A live model, which is made already.

    Examples
    --------
    >>> from benchbed.suite.load import load_definition
    >>> suite = load_definition({"name": "s", "version": "1", "task": "scene", "data": {"layout": "folder"},
    ...                          "sweep": {"patchout": [0, 4]}})
    >>> [(row.name, row.options) for row in swept(suite, [AskedModel("vit", "vit_asc")])]
    [('vit[patchout=0]', {'patchout': '0'}), ('vit[patchout=4]', {'patchout': '4'})]
    """
    sweep = loaded.suite.sweep
    if not sweep:
        return list(models)
    rows: list[AskedModel] = []
    for one in models:
        if one.live:
            raise ConfigError(
                f"the suite goes through options of its models, and {one.name} is made already",
                where=loaded.where("sweep"),
                hint="name the model by its file, or leave `sweep` out",
            )
        for row in rows_of(sweep, one.options):
            texts = {name: _text(value) for name, value in row.items()}
            words = ",".join(f"{name}={text}" for name, text in texts.items())
            flags = [word for name, text in texts.items() for word in ("--set", f"{name}={text}")]
            rows.append(
                replace(
                    one,
                    name=f"{one.name}[{words}]" if words else one.name,
                    options={**one.options, **texts},
                    command=f"{one.command} {shlex.join(flags)}" if one.command and flags else one.command,
                    given=f"{one.given}-{words}" if one.given and words else one.given,
                )
            )
    return rows


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

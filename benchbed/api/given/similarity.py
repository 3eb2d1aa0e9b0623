"""A gallery as a table: similarities of clips to queries as an estimate, and which clips answer each query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchbed.api.given import Given
from benchbed.errors import ConfigError
from benchbed.outputs.similarity.wanted import WantedQueries
from benchbed.types import Queries


def given(references: Any, estimates: Any, labels: Sequence[str] | None) -> Given:
    """Queries with the clips that answer them, and similarities.

    Parameters
    ----------
    references : mapping of str to str or sequence of str
        Query → the clip that answers it, or several of them; the first is the one that it counts with.
    estimates : mapping of str to mapping of str to float
        Clip → query → similarity, for every clip of the gallery and every query.
    labels : None
        Retrieval has no classes.

    Raises
    ------
    ConfigError
        A query without a clip, one that a clip has no similarity to, or a similarity that is no number.

    Examples
    --------
    >>> one = given({"rain": "a", "dog": ["b", "a"]}, {"a": {"rain": 1, "dog": 0}, "b": {"rain": 0, "dog": 1}}, None)
    >>> one.clips, one.answers[0].tolist(), one.references[0].relevant.tolist()
    (('a', 'b'), [1.0, 0.0], [0, 1])
    """
    if not isinstance(references, Mapping) or not isinstance(estimates, Mapping):
        raise ConfigError("evaluate: references map queries to clips, estimates map clips to similarities")
    wanted = {str(q): (clips,) if isinstance(clips, str) else tuple(map(str, clips)) for q, clips in references.items()}
    queries, clips = Queries(tuple(wanted)), tuple(map(str, estimates))
    for query, named in wanted.items():
        strange = [clip for clip in named if clip not in clips]
        if strange or not named:
            what = f"names the clip '{strange[0]}', which has no estimate" if strange else "is answered by no clip"
            raise ConfigError(f"evaluate: the query '{query}' {what}")
    answers, target = np.empty(len(clips), object), np.empty(len(clips), object)
    for row, clip in enumerate(clips):
        said = estimates[clip]
        lacking = [query for query in queries if query not in said]
        if lacking:
            raise ConfigError(f"evaluate: '{clip}' has no similarity to the query '{lacking[0]}'")
        answers[row] = np.array([said[query] for query in queries], np.float32)
        if not np.isfinite(answers[row]).all():
            raise ConfigError(f"evaluate: a similarity of '{clip}' is no finite number")
        own = [n for n, named in enumerate(wanted.values()) if named[0] == clip]
        relevant = [n for n, named in enumerate(wanted.values()) if clip in named]
        target[row] = WantedQueries(clip, queries, np.array(own, np.int64), np.array(relevant, np.int64))
    return Given((), answers, target, clips)

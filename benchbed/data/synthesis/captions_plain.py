"""Five plain sentences about a synthetic clip: what sounds, and in which order, without a place or a full stop.

As people write who were asked for one short sentence about ten seconds of a video: another style than that of
`captions`, about the same kind of clips, so that a model that was trained on the one can be adapted to the other.
"""

from __future__ import annotations

from itertools import pairwise

from benchbed import rng as random
from benchbed.data.synthesis.captions import BEHIND, COUNT, EVENTS, MOST, Words
from benchbed.data.synthesis.events_mixed import Soundscape

#: What is said of a clip without events.
_NOTHING = (
    "Quiet background noise",
    "Nothing but background noise",
    "A faint and steady noise",
    "Background noise is heard",
    "No sound but a faint noise",
)


def plain(heard: Soundscape, *name: str | int) -> tuple[str, ...]:
    """Five sentences about a clip, all different.

    Parameters
    ----------
    heard : Soundscape
        The clip and what is in it.
    *name : str or int
        Seed, split and number of the clip, from which words are drawn.

    Examples
    --------
    >>> import numpy as np
    >>> from benchbed.data.synthesis.events_mixed import Placed
    >>> dog, tap = Placed("Dog", 0.5, 1.5, 12.0), Placed("Running_water", 2.0, 6.0, 9.0)
    >>> for text in plain(Soundscape(np.zeros(128000, np.int16), (dog, tap), "park", ""), 0, "test", 1):
    ...     print(text)
    Barking of a dog followed by splashing of a faucet
    A barking dog and then a running faucet
    A dog barks, then water runs from a tap
    A dog is yapping before water is running from a tap
    Sounds of a barking dog and a running faucet
    """
    told = []
    labels = list(dict.fromkeys(event.label for event in heard.events))[:MOST]
    first = {label: next(event for event in heard.events if event.label == label) for label in labels}
    apart = [first[b].onset >= first[a].offset - 0.2 for a, b in pairwise(labels)]
    for style in range(COUNT):
        rng = random.stream("synthetic plain caption", *name, style)
        words = [EVENTS[label][int(rng.integers(len(EVENTS[label])))] for label in labels]
        text = _told(words, apart, style) if words else _NOTHING[style]
        if heard.behind and style in (1, 3):
            behind = BEHIND[heard.behind]
            text += f" as {behind[int(rng.integers(len(behind)))][0]}"
        told.append(text[0].upper() + text[1:])
    order = random.stream("synthetic plain caption order", *name).permutation(COUNT)
    return tuple(told[i] for i in order)


def _told(words: list[Words], apart: list[bool], style: int) -> str:
    if style == 0:  # a dog barks while water runs from a tap, then a bell rings
        return _chained([f"{one.subject} {one.verb}" for one in words], apart, " while ", ", then ")
    if style == 1:  # a dog is barking, followed by water running
        return _chained([f"{one.subject} {one.doing}" for one in words], apart, " and ", " before ")
    if style == 2:  # barking of a dog with the sound of running water
        said = [one.noun.removeprefix("the ") for one in words]
        return _chained(said, apart, " with ", " followed by ")
    if style == 3:  # a dog and then a bell
        return _chained([one.thing for one in words], apart, " with ", " and then ")
    return "sounds of " + _chained([one.thing for one in words], [False] * len(apart), " and ", " and ")


def _chained(said: list[str], apart: list[bool], together: str, after: str) -> str:
    text = said[0]
    for later, one in zip(apart, said[1:]):
        text += (after if later else together) + one
    return text

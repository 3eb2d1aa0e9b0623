"""Long synthetic recordings with a sentence for each kind of sound in them, and the times at which it is heard."""

from __future__ import annotations

from benchbed import rng as random
from benchbed.data.synthesis.captions import EVENTS
from benchbed.data.synthesis.events_mixed import Soundscape

#: Stretches of one sound that lie nearer than so many seconds are one moment.
NEAR = 1.0


def asked(heard: Soundscape, *name: str | int) -> list[tuple[str, list[list[float]]]]:
    """A sentence for each class of events in a recording, and its moments as rows of start and end in seconds.

    Parameters
    ----------
    heard : Soundscape
        The recording and what is in it.
    *name : str or int
        Seed, split and number of the recording, from which words are drawn.

    Examples
    --------
    >>> import numpy as np
    >>> from benchbed.data.synthesis.events_mixed import Placed
    >>> dogs = (Placed("Dog", 2.0, 2.52, 12.0), Placed("Dog", 3.0, 4.0, 12.0), Placed("Dog", 30.0, 31.0, 9.0))
    >>> asked(Soundscape(np.zeros(640000, np.int16), dogs, "park", ""), 0, "test", 1)
    [('A dog yaps', [[2.0, 4.0], [30.0, 31.0]])]
    """
    found = []
    seconds = len(heard.samples) / heard.rate
    for label in dict.fromkeys(event.label for event in heard.events):
        rng = random.stream("synthetic query", *name, label)
        ways = EVENTS[label]
        words = ways[int(rng.integers(len(ways)))]
        text = (f"{words.subject} {words.verb}", f"{words.subject} {words.doing}", words.noun)[int(rng.integers(3))]
        windows: list[list[float]] = []
        for event in (event for event in heard.events if event.label == label):
            start, end = round(event.onset, 1), min(round(event.offset + 0.05, 1), seconds)
            if windows and start - windows[-1][1] < NEAR:
                windows[-1][1] = max(windows[-1][1], end)
            else:
                windows.append([start, end])
        found.append((text[0].upper() + text[1:], windows))
    return found

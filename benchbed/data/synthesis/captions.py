"""Five sentences about a synthetic clip, from the events that are in it.

As five people would: one tells the events in order, one with the place first, one in nouns, one by first, then and
finally, and one says no more than what is loudest. They say how often a sound comes, what sounds together and what one
after another, where it is, and what is behind it. Words are drawn for each clip and sentence by its name, so that the
same clip has the same captions on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from benchbed import rng as random
from benchbed.data.synthesis.events_mixed import Placed, Soundscape

#: Sentences for each clip.
COUNT = 5


@dataclass(frozen=True)
class Words:
    """How one sound is put into words.

    Attributes
    ----------
    subject : str
        Who or what sounds.
    verb, doing : str
        What it does: `barks`, `is barking`; in the number of the subject.
    noun : str
        The sound as a thing, with its article: `the barking of a dog`.
    thing : str
        Its source: `a dog`.
    """

    subject: str
    verb: str
    doing: str
    noun: str
    thing: str


#: Class of event → ways to say it, the first one more common than the others.
EVENTS: dict[str, tuple[Words, ...]] = {
    "Alarm_bell_ringing": (
        Words("an alarm", "rings", "is ringing", "the ringing of an alarm", "an alarm"),
        Words("a bell", "rings", "is ringing", "the ringing of a bell", "a bell"),
        Words("an alarm", "goes off", "is going off", "the sound of an alarm", "an alarm bell"),
    ),
    "Blender": (
        Words("a blender", "runs", "is running", "the noise of a blender", "a blender"),
        Words("a kitchen blender", "whirs", "is whirring", "the whirring of a blender", "a blender"),
    ),
    "Cat": (
        Words("a cat", "meows", "is meowing", "the meowing of a cat", "a cat"),
        Words("a cat", "cries", "is crying", "the crying of a cat", "a meowing cat"),
    ),
    "Dishes": (
        Words("dishes", "clatter", "are clattering", "the clatter of dishes", "dishes"),
        Words("plates", "clink", "are clinking", "the clinking of plates", "plates"),
    ),
    "Dog": (
        Words("a dog", "barks", "is barking", "the barking of a dog", "a dog"),
        Words("a dog", "yaps", "is yapping", "the yapping of a dog", "a barking dog"),
    ),
    "Electric_shaver_toothbrush": (
        Words("an electric shaver", "buzzes", "is buzzing", "the buzzing of a shaver", "an electric shaver"),
        Words("an electric toothbrush", "hums", "is humming", "the humming of a toothbrush", "an electric toothbrush"),
    ),
    "Frying": (
        Words("food", "sizzles in a pan", "is sizzling in a pan", "the sizzling of food in a pan", "a frying pan"),
        Words("something", "fries", "is frying", "the sound of frying", "frying food"),
    ),
    "Running_water": (
        Words("water", "runs from a tap", "is running from a tap", "the sound of running water", "running water"),
        Words("a faucet", "runs", "is running", "the splashing of a faucet", "a running faucet"),
    ),
    "Speech": (
        Words("a person", "speaks", "is speaking", "the voice of a person", "a voice"),
        Words("someone", "talks", "is talking", "the sound of speech", "someone talking"),
    ),
    "Vacuum_cleaner": (
        Words("a vacuum cleaner", "runs", "is running", "the noise of a vacuum cleaner", "a vacuum cleaner"),
        Words("a vacuum cleaner", "roars", "is roaring", "the roar of a vacuum cleaner", "a vacuum cleaner"),
    ),
}
#: Place → where that is, and its noise as a thing.
PLACES: dict[str, tuple[tuple[str, str], ...]] = {
    "park": (("in a park", "the quiet of a park"), ("outdoors in a park", "the air of a park")),
    "public_square": (("on a public square", "the noise of a square"), ("on a city square", "the noise of a city")),
    "bus": (("inside a bus", "the rumble of a bus"), ("in a moving bus", "the rumble of a bus")),
    "metro_station": (
        ("in a metro station", "the hum of a metro station"),
        ("in an underground station", "the hum of an underground station"),
    ),
}
#: Sound behind the events → as a sentence, as a part of one, and as a thing.
BEHIND: dict[str, tuple[tuple[str, str, str], ...]] = {
    "engine": (
        ("an engine hums in the background", "with an engine humming in the background", "an engine"),
        ("an engine idles nearby", "with an engine idling nearby", "an idling engine"),
    ),
    "steps": (
        ("people walk in the background", "with people walking in the background", "footsteps"),
        ("people walk by", "with footsteps in the background", "people walking"),
    ),
    "birds": (
        ("birds sing in the background", "with birds singing in the background", "birds"),
        ("birds chirp nearby", "with birds chirping nearby", "chirping birds"),
    ),
}
#: Classes that one sentence tells of at most: people seldom list more.
MOST = 3
_TIMES = {2: "twice", 3: "three times", 4: "four times"}


@dataclass(frozen=True)
class _Group:
    """The events of one class, told as one."""

    words: Words
    count: int
    onset: float
    offset: float
    share: float
    loudness: float

    @property
    def times(self) -> str:
        """How often or how long, where that is worth a word."""
        if self.count > 1:
            return " " + _TIMES.get(self.count, "several times")
        if self.share > 0.6:
            return " for a long time"
        return " briefly" if self.offset - self.onset < 0.7 else ""


@dataclass(frozen=True)
class _Told:
    """What one sentence tells: events, where, the noise there, what is behind them, and a source of choices."""

    groups: list[_Group]
    where: str
    noise: str
    behind: tuple[str, str, str] | None
    rng: np.random.Generator

    def pick(self, *choices: Any) -> Any:
        """One of several."""
        return _picked(self.rng, choices)


def _picked(rng: np.random.Generator, choices: Sequence[Any]) -> Any:
    return choices[int(rng.integers(len(choices)))]


def captions(heard: Soundscape, *name: str | int) -> tuple[str, ...]:
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
    >>> dog, tap = Placed("Dog", 0.5, 1.5, 12.0), Placed("Running_water", 2.0, 6.0, 9.0)
    >>> clip = Soundscape(np.zeros(128000, np.int16), (dog, tap), "park", "birds")
    >>> for text in captions(clip, 0, "test", 1):
    ...     print(text)
    Outdoors in a park, first a dog barks, and then a faucet runs.
    The yapping of a dog is followed by the sound of running water over the air of a park.
    A dog yaps before water runs from a tap with birds chirping nearby.
    A dog, running water and chirping birds can be heard in a park.
    In a park, a dog is barking and a faucet is running while birds sing in the background.
    """
    told = []
    for style in range(COUNT):
        rng = random.stream("synthetic caption", *name, style)
        groups = _groups(heard.events, len(heard.samples) / heard.rate, rng)[:MOST]
        where, noise = _picked(rng, PLACES[heard.place])
        one = _Told(groups, where, noise, _picked(rng, BEHIND[heard.behind]) if heard.behind else None, rng)
        text = _STYLES[style](one) if groups else _nothing(one, style)
        told.append(text[0].upper() + text[1:] + ".")
    order = random.stream("synthetic caption order", *name).permutation(COUNT)
    return tuple(told[i] for i in order)


def _groups(events: Sequence[Placed], seconds: float, rng: np.random.Generator) -> list[_Group]:
    """Events by class in the order in which they begin, each with the words of this sentence."""
    groups = []
    for label in dict.fromkeys(event.label for event in events):
        same = [event for event in events if event.label == label]
        ways = EVENTS[label]
        # Most people use the plain word.
        words = ways[0] if rng.random() < 0.6 else _picked(rng, ways)
        groups.append(
            _Group(
                words,
                len(same),
                same[0].onset,
                max(event.offset for event in same),
                sum(event.offset - event.onset for event in same) / seconds,
                max(event.snr for event in same),
            )
        )
    return groups


def _together(one: _Group, other: _Group) -> bool:
    return other.onset < one.offset - 0.2


def _in_order(told: _Told) -> str:
    """A dog barks twice while water runs from a tap, and then a bell rings in a park."""
    groups = told.groups
    text = f"{groups[0].words.subject} {groups[0].words.verb}{groups[0].times}"
    apart = [not _together(one, other) for one, other in pairwise(groups)]
    together, after = iter((" while ", " and ")), iter((", then ", ", and then "))
    if sum(apart) == 1:
        after = iter((told.pick(", and then ", " before "),))
    for later, group in zip(apart, groups[1:]):
        text += f"{next(after if later else together)}{group.words.subject} {group.words.verb}"
    return f"{text} {told.behind[1] if told.behind else told.where}"


def _place_first(told: _Told) -> str:
    """In a bus, a dog is barking and a person is speaking while an engine hums in the background."""
    said = [f"{group.words.subject} {group.words.doing}" for group in told.groups]
    said[0] += told.groups[0].times
    return f"{told.where}, {_listed(said)}" + (f" while {told.behind[0]}" if told.behind else "")


def _nouns(told: _Told) -> str:
    """The barking of a dog is followed by the ringing of an alarm over the noise of a square."""
    groups = told.groups
    text = groups[0].words.noun
    if len(groups) == 1:
        return f"{text} is heard over {told.noise}"
    text += " is "
    last = ""
    for before, group in pairwise(groups):
        link = "mixed with" if _together(before, group) else "followed by"
        if link == last:
            link = "by" if link == "followed by" else "with"
        text += f"{' and ' if last else ''}{link} {group.words.noun}"
        last = last or link
    return f"{text} over {told.noise}"


def _first_then(told: _Told) -> str:
    """In a park, first a dog barks, then water runs from a tap, and finally a bell rings."""
    said = [f"{group.words.subject} {group.words.verb}{group.times}" for group in told.groups]
    if len(said) == 1:
        return f"{said[0]} {told.where} as {told.behind[0]}" if told.behind else f"only {said[0]} {told.where}"
    middle = "".join(f", then {one}" for one in said[1:-1])
    return f"{told.where}, first {said[0]}{middle}, and {'finally' if middle else 'then'} {said[-1]}"


def _gist(told: _Told) -> str:
    """A dog and running water can be heard in a park."""
    loudest = sorted(told.groups, key=lambda group: -group.loudness)[:2]
    things = [group.words.thing for group in loudest]
    if told.behind and told.pick(True, False):
        things.append(told.behind[2])
    return f"{_listed(things)} can be heard {told.where}"


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


_STYLES = (_in_order, _place_first, _nouns, _first_then, _gist)


def _nothing(told: _Told, style: int) -> str:
    """A clip in which nothing happens, in five ways."""
    behind = told.behind
    return (
        f"nothing happens {told.where}" + (f" while {behind[0]}" if behind else ""),
        f"{told.where}, {behind[0] if behind else 'it is calm all the time'}",
        f"only {told.noise} is heard" + (f" {behind[1]}" if behind else ""),
        f"there is no event, only {told.noise}" + (f" and {behind[2]}" if behind else ""),
        f"{behind[2]} can be heard {told.where}" if behind else f"{told.noise} is all that can be heard",
    )[style]

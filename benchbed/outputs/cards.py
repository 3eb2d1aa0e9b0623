"""What no model can be that gives an output, by what its card says."""

from __future__ import annotations

from benchbed.card import Card
from benchbed.outputs import output_of


def impossible(card: Card) -> list[str]:
    """What no model can be: rates, lengths and labels with which nothing can be heard or scored.

    Examples
    --------
    >>> from benchbed.card import Card
    >>> impossible(Card("net", "cnn", "scene", ("a", "a"), 0))
    ['sample rate 0 Hz and 1 channels are not possible', 'labels twice: a']
    """
    faults = []
    if card.sample_rate <= 0 or card.channels < 1:
        faults.append(f"sample rate {card.sample_rate} Hz and {card.channels} channels are not possible")
    elif card.sample_rate > 10_000_000 or card.channels > 1024:
        faults.append(f"sample rate {card.sample_rate} Hz and {card.channels} channels are not those of audio")
    output = output_of(card.output)
    if output.classes and not card.labels:
        faults.append("no labels")
    doubled = sorted({label for label in card.labels if card.labels.count(label) > 1})
    if doubled:
        faults.append(f"labels twice: {', '.join(doubled[:5])}")
    faults += [f"output {card.output} needs {field}" for field in output.needs if getattr(card, field) is None]
    if card.window_hop is not None and (card.clip_seconds is None or card.window_hop > card.clip_seconds):
        faults.append("window_hop is from one window of clip_seconds to the next, and leaves no gaps")
    for name in ("clip_seconds", "frame_seconds", "min_seconds", "window_hop"):
        value = getattr(card, name)
        least = 0.0 if name == "min_seconds" else 1 / max(card.sample_rate, 1)
        if value is not None and not least <= value <= 86_400:
            faults.append(f"{name} {value:g} is not possible")
    return faults

"""What a model says about itself, which decides what it can be asked and how its answers are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from benchbed.cardwords import settle


@dataclass(frozen=True)
class Card:
    """What a model is and what it wants.

    Attributes
    ----------
    name : str
        Name in tables and result folders.
    family : str
        `cnn`, `transformer`, `crnn`, `ssl`, `mlp`, …: the column by which families are compared.
    output : str
        What it gives back for a clip: a registered output, `scene` (one class), `tags` (several classes), `frames`, ….
    labels : tuple of str
        Class names in the order of the scores; none for outputs without classes.
    sample_rate : int
        Samples per second the model wants, in Hz.
    channels : int
        Channels the model wants; audio is mixed down or repeated to it, and counted.
    array : str
        What its channels are, where sounds have directions: `foa` (ACN, SN3D), `mic`, or `stereo`; recordings of a data
        set that says that they are of another are refused. Empty: any with so many channels.
    scores : str
        What `predict` returns: `logits`, `probabilities`, or `log_probabilities`.
    clip_seconds : float, optional
        Fixed input length in seconds; None means any length.
    min_seconds : float
        Shortest input the model can take, in seconds; shorter clips are padded.
    pad, crop : str
        How a clip is brought to `clip_seconds`: `zeros` or `repeat`; `start` or `center`.
    window_hop : float, optional
        How a clip longer than `clip_seconds` is heard where an answer is wanted for the whole of it: in windows of that
        length, from the start of one to the next so many seconds; None crops it.
    window_join : str
        What becomes of the answers of its windows, as probabilities: their `mean` or `max`.
    frame_seconds : float, optional
        Hop between output frames in seconds, for `frames` and `tracks`.
    label_map : mapping, optional
        Dataset label → model labels that mean it; the score of the dataset label is the largest of theirs.
    side_information : tuple of str
        Metadata columns the model needs besides audio, e.g. `("device",)` in DCASE 2025 Task 1.
    weight_bits : int
        Declared bits per weight, for the DCASE memory rule.
    front_end : str
        What the network is given, in words: name and options of a front end (`benchbed.adapter.front`).
    licence, citation, description : str
        For pages and model cards.
    trained_on : tuple of str
        Names of the datasets seen in training.
    trained_with : tuple of str
        Perturbations seen in training; their cells are marked wherever they appear.
    untrained : bool
        Whether its weights are random: it can be profiled and its shapes be checked, and is never scored.

    Raises
    ------
    AdapterError
        A word that is not known, or a value of another type.

    Examples
    --------
    >>> Card(name="tiny", family="cnn", output="scene", labels=("bus", "tram"), sample_rate=32000).channels
    1
    """

    name: str
    family: str
    output: str
    labels: tuple[str, ...]
    sample_rate: int
    channels: int = 1
    array: Literal["", "foa", "mic", "stereo"] = ""
    scores: Literal["logits", "probabilities", "log_probabilities"] = "logits"
    clip_seconds: float | None = None
    min_seconds: float = 0.0
    pad: Literal["zeros", "repeat"] = "zeros"
    crop: Literal["start", "center"] = "center"
    window_hop: float | None = None
    window_join: Literal["mean", "max"] = "mean"
    frame_seconds: float | None = None
    label_map: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    side_information: tuple[str, ...] = ()
    weight_bits: int = 32
    front_end: str = ""
    licence: str = ""
    citation: str = ""
    description: str = ""
    trained_on: tuple[str, ...] = ()
    trained_with: tuple[str, ...] = ()
    untrained: bool = False

    def __post_init__(self) -> None:
        settle(self)


def mapped_card(card: Card, label_map: Mapping[str, Sequence[str]] | None) -> Card:
    """The card with the suite's label map in place of its own, if the suite has one.

    Examples
    --------
    >>> card = Card(name="tiny", family="cnn", output="scene", labels=("bus", "tram"), sample_rate=32000)
    >>> mapped_card(card, {"metro": ["tram"]}).label_map
    {'metro': ('tram',)}
    """
    return card if label_map is None else replace(card, label_map={k: tuple(v) for k, v in label_map.items()})

"""The field's own terms for the keys of a record: metrics, groups, conditions."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection

from benchbed.kinds import OUTPUTS
from benchbed.outputs import output_of
from benchbed.results.conditions import setting
from benchbed.results.record import Condition, Value

#: How a record names the budget of an attack by energy, or the threat alone, in what a figure is about.
_ENERGY = re.compile(r"(?: within |@)l2(?::(-?[0-9.]+)dB)?(?=$|[, ])")
_ATTACKS = {"apgd_t": "Targeted APGD"}
#: Scopes of the figures that all corruption cells, or all attacked cells, of a run give together.
ROBUSTNESS, ADVERSARIAL = "robustness", "adversarial"
#: Scope of the figures of attacks that had answers alone, and what is said of them wherever they stand.
BLACK_BOX, NO_GRADIENT = "black_box", "by answers alone"
#: Scores that put every condition on the axis of white noise, by cell.
WORTH = "worth"
#: Scores that say how many clips the sounds of a class turn, by condition.
FOOLED = "fooled"
#: Scores of a smoothed model: its certified accuracy at radii, and how often it abstains.
CERTIFIED = "certified"
#: Scope of the figures of attacks on features, and what is said of them wherever they stand.
UNREALIZABLE, NO_SOUND = "unrealizable", "on features, not realizable as audio"
#: How the record names the figures of a model that hears nothing.
_BASELINE = "baseline_"
_SETS = {
    "": "{member} {plural}, clips pooled",
    "mean": "{member} {plural}, mean over {plural}",
    "gap": "Gap {member}, clips pooled",
    "mean_gap": "Gap {member}, mean over {plural}",
    "worst": "Worst {base}",
    "std": "Standard deviation over {member} {plural}",
    "cell_std": "Standard deviation over class × {base} cells, {member} {plural}",
}
_UPPER = {
    "snr": "SNR",
    "eq": "EQ",
    "mp3": "MP3",
    "gsm": "GSM",
    "adpcm": "ADPCM",
    "dc": "DC",
    "rir": "RIR",
    "pgd": "PGD",
}
_UPPER |= {
    "f1": "F1",
    "auc": "AUC",
    "ap": "AP",
    "eer": "EER",
    "er": "ER",
    "gmm": "GMM",
    "dnn": "DNN",
    "rnn": "RNN",
    "apgd": "APGD",
    "fgsm": "FGSM",
    "drc": "DRC",
    "foa": "FOA",
    "cnn": "CNN",
    "crnn": "CRNN",
    "raw-cnn": "raw CNN",
    "ssm": "SSM",
    "macs": "MACs",
    "flops": "FLOPs",
}


def plain(name: str) -> str:
    """A registered name in words.

    Examples
    --------
    >>> plain("white_noise"), plain("mp3"), plain("device_eq")
    ('White noise', 'MP3', 'Device EQ')
    """
    if name in _ATTACKS:
        return _ATTACKS[name]
    words = [_UPPER.get(word.lower(), word) for word in name.replace("_", " ").split(" ")]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def task(name: str) -> str:
    """What the field calls the task of a kind of output; a kind that is not installed here keeps its name.

    Examples
    --------
    >>> task("frames"), task("scene"), task("some_kind")
    ('Sound event detection', 'Audio classification', 'Some kind')
    """
    known = output_of(name).title if name in OUTPUTS.names() else ""
    return known or plain(name)


def metric(name: str, value: Value | None = None) -> str:
    """A figure's name in tables: its title and what it is about, as whatever made it calls it.

    Parameters
    ----------
    name : str
        Key of the record; all that there is to print where the record was written by a version without titles.
    value : Value, optional
        The figure, or any of those that share the name.

    Examples
    --------
    >>> held = Value(value=0.5, n=9, direction="higher", unit="", rule="r", title="Accuracy", scope="worst device")
    >>> metric("accuracy", held), metric("macro_accuracy"), metric("robustness:mean/white_noise")
    ('Accuracy, worst device', 'Macro accuracy', 'Robustness: mean/white noise')
    >>> metric("x", held.model_copy(update={"title": "Gap", "scope": "fast within l2:50dB"}))
    'Gap, fast, 50 dB SNR'
    """
    named = title(name, value)
    scope = value.scope if value is not None and value.title else None
    return f"{named}, {_in_decibels(scope)}" if scope else named


def title(name: str, value: Value | None = None) -> str:
    """The same without what it is about, for a column whose rows say that.

    Examples
    --------
    >>> title("macro_f1", Value(value=None, n=0, direction="higher", unit="fraction", rule="r", title="Macro F1"))
    'Macro F1'
    """
    if value is not None and value.title:
        return _in_strengths(value.title)
    spelled = name.replace("_", " ").replace(":", ": ")
    return spelled[:1].upper() + spelled[1:]


def _in_decibels(scope: str) -> str:
    """What a figure is about, with the budget of an attack by energy as a sound engineer says it."""
    return _ENERGY.sub(lambda found: f", {found[1]} dB SNR" if found[1] else "", scope)


def _in_strengths(title: str) -> str:
    """A title of the record without the word that says nothing to who reads its strengths in dB."""
    return title.replace("Breakdown severity", "Breakdown step").replace("over severities", "over strengths")


def baseline(name: str) -> tuple[str, str] | None:
    """The kind of trivial baseline and the metric, if the figure is of one.

    Examples
    --------
    >>> baseline("baseline_majority:log_loss"), baseline("log_loss")
    (('majority', 'log_loss'), None)
    """
    scope, colon, inner = name.partition(":")
    return (scope.removeprefix(_BASELINE), inner) if colon and scope.startswith(_BASELINE) else None


# Every model of a board has the same groups.
@functools.lru_cache(maxsize=10_000)
def group(key: str) -> tuple[str, str]:
    """Family and member of a group key.

    Examples
    --------
    >>> group("device=s4"), group("class=a=b"), group("odd")
    (('device', 's4'), ('class', 'a=b'), ('', 'odd'))
    """
    family, equals, member = key.partition("=")
    return (family, member) if equals else ("", key)


def plural(base: str) -> str:
    """Name of a set of groups.

    Examples
    --------
    >>> plural("device"), plural("city"), plural("class")
    ('devices', 'cities', 'classes')
    """
    if base.endswith("y"):
        return f"{base[:-1]}ies"
    return f"{base}es" if base.endswith("s") else f"{base}s"


def kind_of(family: str, families: Collection[str]) -> tuple[str, str]:
    """The family that a family of sets belongs to, and what it says about it.

    Examples
    --------
    >>> held = ["device", "devices", "devices_mean", "devices_mean_gap"]
    >>> [kind_of(name, held) for name in held]
    [('device', ''), ('device', 'pooled'), ('device', 'mean'), ('device', 'mean_gap')]
    """
    for base in families:
        stem = plural(base)
        if family == stem:
            return base, "pooled"
        if family.startswith(f"{stem}_") and family[len(stem) + 1 :] in _SETS:
            return base, family[len(stem) + 1 :]
    return family, ""


def member(base: str, kind: str, name: str) -> str:
    """One row of a table of groups, saying which of the two means over devices it is.

    Examples
    --------
    >>> member("device", "pooled", "unseen"), member("device", "mean", "seen"), member("device", "", "s4")
    ('Unseen devices, clips pooled', 'Seen devices, mean over devices', 's4')
    >>> member("device", "mean_gap", "seen-unseen")
    'Gap seen − unseen, mean over devices'
    """
    if not kind:
        return name
    text = name.replace("-", " − ") if kind.endswith("gap") else name.replace("_", " ")
    template = _SETS["" if kind == "pooled" else kind]
    text = template.format(member=text, base=base.replace("_", " "), plural=plural(base).replace("_", " "))
    return text[:1].upper() + text[1:]


def condition(what: Condition) -> str:
    """What was done to the audio, in words.

    Examples
    --------
    >>> condition(Condition(kind="corruption", name="white_noise", severity=3, parameter=10, unit="dB SNR"))
    'White noise, 10 dB SNR'
    >>> condition(Condition(kind="clean", name="clean"))
    'Clean'
    >>> condition(Condition(kind="attack", name="apgd", facts={"space": "features, not realizable as audio"}))
    'APGD on features, not realizable as audio'
    """
    text = plain(what.name) + (f" {NO_SOUND}" if on_features(what) else "")
    strength = setting(what) or (f"step {what.severity}" if what.severity is not None else "")
    return f"{text}, {strength}" if strength else text


def series(cell: str, what: Condition) -> str:
    """What the cells of one condition at all its severities are called; a suite may have one twice, with other options.

    Examples
    --------
    >>> turn = Condition(kind="corruption", name="foa_rotation", severity=1, parameter=5, unit="degrees any")
    >>> series("tracks/test/foa_rotation@1", turn), series("tracks/test/foa_rotation@1#2", turn)
    ('FOA rotation', 'FOA rotation, degrees any (no. 2)')
    """
    _, mark, again = cell.partition("#")
    unit = f", {what.unit}" if what.unit else ""
    return f"{plain(what.name)}{unit} (no. {again})" if mark else plain(what.name)


def within(told: str) -> str:
    """Words in the middle of a line: a unit such as dB and a name such as MP3 keep their capitals.

    Examples
    --------
    >>> within("White noise, 10 dB SNR"), within("MP3, 32 kbit/s")
    ('white noise, 10 dB SNR', 'MP3, 32 kbit/s')
    """
    return told if told[:2].isupper() else told[:1].lower() + told[1:]


def on_features(what: Condition) -> bool:
    """The condition attacks what the model's front end gives, not sound."""
    return what.kind == "attack" and str(what.facts.get("space", "")).startswith("features")


def _band(part: str) -> str:
    """A band of frequencies of a key in words."""
    hertz = part.removesuffix("Hz")
    for word in ("from", "to"):
        if hertz.startswith(word):
            return f"{word} {hertz.removeprefix(word)} Hz"
    return f"{hertz.replace('-', ' to ')} Hz" if part.endswith("Hz") else part


def attack(cell: str) -> str:
    """The attack of a cell in words, with its goal and whether it had to stay inaudible, from the cell's key.

    Examples
    --------
    >>> attack("frames/test/standard@l2:30dB"), attack("tags/test/apgd+hide@l2+nmr:30dB#2")
    ('Standard', 'APGD, hide, inaudible (no. 2)')
    >>> attack("scene/test/fast@l2+from8000Hz:30dB"), attack("scene/test/fast@l2+500-2000Hz:30dB")
    ('Fast, from 8000 Hz', 'Fast, 500 to 2000 Hz')
    """
    whole, _, again = cell.split("/", 2)[2].partition("#")
    name, _, threat = whole.partition("@")
    parts = [plain(part) if i == 0 else part.replace("_", " ") for i, part in enumerate(name.split("+"))]
    limits = threat.rpartition(":")[0] if ":" in threat else threat
    told = ["inaudible" if part == "nmr" else _band(part) for part in limits.split("+")[1:]]
    text = ", ".join([*parts, *told])
    return f"{text} (no. {again})" if again else text

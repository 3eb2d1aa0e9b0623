"""The field's own terms for the keys of a record: metrics, groups, conditions."""

from __future__ import annotations

import re
from collections.abc import Collection

from benchbed.results.record import Condition

_METRICS = {
    "macro_accuracy": "Macro accuracy",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "recall": "Recall",
    "precision": "Precision",
    "f1": "F1",
    "macro_f1": "Macro F1",
    "micro_f1": "Micro F1",
    "log_loss": "Log loss",
    "ece": "ECE",
    "brier": "Brier score",
    "map": "mAP",
    "mean_average_precision": "mAP",
    "d_prime": "d′",
    "lwlrap": "lwlrap",
    "auc": "ROC AUC",
    "mauc": "mAUC",
    "d_prime_mean": "Mean class d′",
    "mce": "mCE",
    "relative_mce": "Relative mCE",
    "aurc": "AURC",
    "i_vector": "i-vector",
    "psds1": "PSDS1",
    "psds2": "PSDS2",
    "er20": "ER20°",
    "f20": "F20°",
    "le_cd": "LE_CD",
    "lr_cd": "LR_CD",
    "bleu_1": "BLEU-1",
    "bleu_4": "BLEU-4",
    "cider_d": "CIDEr-D",
    "spice": "SPICE",
    "spider": "SPIDEr",
    "macs": "MACs",
    "parameters": "Parameters",
    "robust_accuracy": "Robust accuracy",
    "mean": "Mean over severities",
    "breakdown": "Breakdown severity",
    "snr50": "SNR at half retention",
    "corruption_mean": "Mean over corruptions",
    "flip_rate": "Flip rate",
    "noise_accuracy": "Accuracy in noise of equal budget",
    "shifted_accuracy": "Accuracy under random shifts of the perturbation",
    "clean_accuracy": "Accuracy on the attacked clips when clean",
    "attack_success_rate": "Attack success rate",
    "minimal_snr": "Smallest successful attack, SNR",
    "clip_score": "Mean score of a clip, attacked",
    "clean_clip_score": "Mean score of a clip, clean",
    "noise_clip_score": "Mean score of a clip in noise of equal budget",
    "missed_per_clip": "Events or labels lost per clip",
    "inserted_per_clip": "Events or labels inserted per clip",
    "gap": "Gap to noise",
}
_ATTACKS = {"apgd_t": "Targeted APGD"}
#: Scopes of the figures that all corruption cells, or all attacked cells, of a run give together.
ROBUSTNESS, ADVERSARIAL = "robustness", "adversarial"
#: Scope of the figures of attacks on features, and what is said of them wherever they stand.
UNREALIZABLE, NO_SOUND = "unrealizable", "on features, not realizable as audio"
#: How the record names the figures of a model that hears nothing.
_BASELINE = "baseline_"
#: Figures that stand beside those of attacked clips: of the same clips, before and in noise.
_BESIDE = {"clean_": "the same clips when clean", "noise_": "the same clips in white noise of equal budget"}
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
    "ssm": "SSM",
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


def metric(name: str) -> str:
    """A metric's name in tables.

    Examples
    --------
    >>> metric("log_loss"), metric("worst_device_accuracy"), metric("mCE"), metric("top3_accuracy")
    ('Log loss', 'Worst device accuracy', 'mCE', 'Top-3 accuracy')
    >>> metric("baseline_majority:log_loss"), metric("dcase2025:memory")
    ('Log loss, majority baseline', 'DCASE 2025 memory')
    >>> metric("clean_psds1"), metric("clip_score")
    ('PSDS1, the same clips when clean', 'Mean score of a clip, attacked')
    >>> metric("adversarial:gap/standard@l2")
    'Gap to noise, Standard (l2)'
    >>> metric("robustness:retention"), metric("robustness:fold2:group/noise")
    ('Retention', 'Group noise, fold2')
    """
    if name in _METRICS or name.lower() in _METRICS:
        return _METRICS.get(name) or _METRICS[name.lower()]
    scope, colon, inner = name.partition(":")
    if colon and scope and inner:
        if scope.startswith(_BASELINE):
            return f"{metric(inner)}, {scope.removeprefix(_BASELINE)} baseline"
        if scope in (ROBUSTNESS, ADVERSARIAL, UNREALIZABLE):
            head, slash, rest = inner.partition("/")
            split, _, figure = head.rpartition(":")
            if scope == ADVERSARIAL and slash and figure in _METRICS:
                threat = rest.partition("@")[2]
                return f"{_METRICS[figure]}, {attack(f'//{rest}')} ({threat})" + (f", {split}" if split else "")
            figure += slash + rest
            name = plain(figure.replace("/", " ")) if "/" in figure else metric(figure)
            return f"{name}, {split}" if split else name
        challenge = re.sub(r"^dcase(\d{4})", r"DCASE \1", scope)
        return f"{challenge} {_METRICS.get(inner, inner.replace('_', ' '))}"
    for prefix, what in _BESIDE.items():
        if name.startswith(prefix) and name != prefix:
            return f"{metric(name.removeprefix(prefix))}, {what}"
    if top := re.fullmatch(r"top_?(\d+)_accuracy", name):
        return f"Top-{top[1]} accuracy"
    return plain(name) if name.islower() else name.replace("_", " ")


def baseline(name: str) -> tuple[str, str] | None:
    """The kind of trivial baseline and the metric, if the figure is of one.

    Examples
    --------
    >>> baseline("baseline_majority:log_loss"), baseline("log_loss")
    (('majority', 'log_loss'), None)
    """
    scope, colon, inner = name.partition(":")
    return (scope.removeprefix(_BASELINE), inner) if colon and scope.startswith(_BASELINE) else None


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
    'White noise, severity 3 (10 dB SNR)'
    >>> condition(Condition(kind="clean", name="clean"))
    'Clean'
    >>> condition(Condition(kind="attack", name="apgd", facts={"space": "features, not realizable as audio"}))
    'APGD on features, not realizable as audio'
    """
    text = plain(what.name) + (f" {NO_SOUND}" if on_features(what) else "")
    if what.severity is not None:
        text += f", severity {what.severity}"
    return text + (f" ({setting(what)})" if what.parameter is not None else "")


def on_features(what: Condition) -> bool:
    """The condition attacks what the model's front end gives, not sound."""
    return what.kind == "attack" and str(what.facts.get("space", "")).startswith("features")


def attack(cell: str) -> str:
    """The attack of a cell in words, with its goal and whether it had to stay inaudible, from the cell's key.

    Examples
    --------
    >>> attack("frames/test/standard@l2:30dB"), attack("tags/test/apgd+hide@l2+nmr:30dB#2")
    ('Standard', 'APGD, hide, inaudible (no. 2)')
    """
    whole, _, again = cell.split("/", 2)[2].partition("#")
    name, _, threat = whole.partition("@")
    parts = [plain(part) if i == 0 else part.replace("_", " ") for i, part in enumerate(name.split("+"))]
    text = ", ".join([*parts, *(["inaudible"] if "+nmr" in threat else [])])
    return f"{text} (no. {again})" if again else text


def setting(what: Condition) -> str:
    """The severity in physical units, or an empty text.

    Examples
    --------
    >>> setting(Condition(kind="corruption", name="clipping", parameter={"share": 0.1}))
    'share 0.1'
    """
    if what.parameter is None:
        return ""
    if isinstance(what.parameter, dict):
        text = ", ".join(f"{key} {value}" for key, value in what.parameter.items())
    elif isinstance(what.parameter, (list, tuple)):
        text = ", ".join(str(part) for part in what.parameter)
    else:
        text = f"{what.parameter:g}" if isinstance(what.parameter, float) else str(what.parameter)
    return f"{text} {what.unit}" if what.unit else text

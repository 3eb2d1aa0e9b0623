"""Every check finds the fault it is for, and a sound adapter passes them all."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from benchbed.adapter import Adapter, Card, TorchAdapter
from benchbed.adapter.check import Probes, check, names
from benchbed.adapter.load import LoadedAdapter

LABELS = ("low", "middle", "high")
RATE = 8000
CARD = Card(name="net", family="other", output="scene", labels=LABELS, sample_rate=RATE)
#: Edges of the bands in Hz whose energies are the scores.
EDGES = (0, 500, 1500, 4000)


def outcome(adapter: Adapter, name: str, probes: Probes | None = None):
    found = {item.name: item for item in check(LoadedAdapter(adapter, "net.py", "net.py", None, "", {}), "cpu", probes)}
    assert set(found) == {"load", *names()}
    return found[name]


class Bands(TorchAdapter):
    """Log energy of three bands: right for the probe tones below, and sound in every respect."""

    card = CARD

    def build(self):
        return torch.nn.Identity()

    def energies(self, waveforms):
        mono = waveforms.mean(1)
        power = torch.fft.rfft(mono, n=16000).abs().square()
        hertz = torch.fft.rfftfreq(16000, 1 / RATE)
        inside = [(hertz >= low) & (hertz < high) for low, high in itertools.pairwise(EDGES)]
        return torch.stack([power[:, band].sum(1) for band in inside], dim=1) / 16000

    def forward(self, waveforms):
        return (self.energies(waveforms) + 10).log()


def tones(count: int = 30) -> Probes:
    random = np.random.default_rng(0)
    labels = [LABELS[index % 3] for index in range(count)]
    ranges = {"low": (100, 400), "middle": (700, 1300), "high": (2000, 3500)}
    time = np.arange(RATE) / RATE
    waves = [np.sin(2 * np.pi * random.uniform(*ranges[label]) * time)[None].astype(np.float32) for label in labels]
    return Probes(waves, labels, RATE)


def test_sound_adapter_fails_nothing():
    found = check(LoadedAdapter(Bands(), "net.py", "net.py", None, "", {}), "cpu", tones())
    assert [item.name for item in found] == ["load", *names()]
    assert [(item.name, item.message) for item in found if item.status == "fail"] == []
    assert {item.name for item in found if item.status == "warn"} == set()


def replaced(**methods) -> Adapter:
    return type("Faulty", (Bands,), methods)()


def predicting(function) -> Adapter:
    """A sound adapter whose scores go through `function(scores, batch)`."""
    return replaced(predict=lambda self, batch: function(Bands.predict(self, batch), batch))


def raising(self, batch):
    raise RuntimeError("cuda is on fire")


def unseeded(scores, batch):
    return scores + np.random.standard_normal(scores.shape).astype(np.float32)  # noqa: NPY002


def seeded(scores, batch):
    np.random.seed(0)  # noqa: NPY002
    return scores


def in_place(scores, batch):
    batch.waveforms[:] = 0
    return scores


def nan_as_certainty(scores, batch):
    return np.nan_to_num(scores, nan=9.0)


def nan_spreads(scores, batch):
    return scores + np.float32(0 * batch.waveforms.sum())


def levelled(self, waveforms):
    return Bands.forward(self, waveforms / (waveforms.abs().amax((1, 2), keepdim=True) + 1e-9))


class FirstChannelOnly(Bands):
    def forward(self, waveforms):
        return super().forward(waveforms[:, :1])


FAULTS = {
    "raises": (replaced(predict=raising), "shape", "fail", "cuda is on fire"),
    "not an array": (predicting(lambda s, b: [["a"] * 3] * 3), "shape", "fail", "expected float"),
    "integers": (predicting(lambda s, b: s.argsort(1)), "shape", "fail", "int64"),
    "float64": (predicting(lambda s, b: s.astype(np.float64)), "shape", "warn", "float32 is expected"),
    "wrong class count": (predicting(lambda s, b: s[:, :2]), "shape", "fail", "[3, 2], expected float [3, 3]"),
    "transposed": (predicting(lambda s, b: s.T[:2]), "shape", "fail", "[2, 3], expected float [3, 3]"),
    "frames for a scene": (predicting(lambda s, b: s[:, None]), "shape", "fail", "[3, 1, 3], expected float [3, 3]"),
    "squeezed": (predicting(lambda s, b: s.squeeze()), "single_clip", "fail", "returned"),
    "NaN": (predicting(lambda s, b: s * np.nan), "scores_as_declared", "fail", "not finite"),
    "constant": (predicting(lambda s, b: np.zeros_like(s)), "listens", "fail", "exactly the same scores"),
    "unseeded": (predicting(unseeded), "determinism", "fail", "differ by"),
    "moves numpy's state": (predicting(unseeded), "global_state", "fail", "numpy.random"),
    "seeds numpy": (predicting(seeded), "global_state", "fail", "numpy.random"),
    "writes into the batch": (predicting(in_place), "input_untouched", "fail", "changed the waveforms"),
    "batch statistics": (
        replaced(forward=lambda self, w: Bands.forward(self, w) - Bands.forward(self, w).mean(0) * 2),
        "batch_invariance",
        "fail",
        "other clips of its batch",
    ),
    "levels its input": (replaced(forward=levelled), "int16_scaling", "warn", "levels its input"),
    "no floor": (replaced(forward=lambda self, w: self.energies(w).log()), "silence", "fail", "add a floor"),
    "floor outside": (
        replaced(forward=lambda self, w: self.energies(w).sqrt().clamp(min=1e-3).log()),
        "gradients",
        "warn",
        "silence",
    ),
    "hides NaN": (predicting(nan_as_certainty), "not_a_number", "warn", "finite answer"),
    "spreads NaN": (predicting(nan_spreads), "not_a_number", "fail", "changes the scores of the others"),
    "one channel": (FirstChannelOnly(), "stereo", "warn", "not as their mean"),
    "detached": (replaced(forward=lambda self, w: Bands.forward(self, w.detach())), "gradients", "fail", "cuts"),
    "rounds": (replaced(forward=lambda self, w: Bands.forward(self, (w * 99).round())), "gradients", "fail", "zero"),
    "another path": (predicting(lambda s, b: s + 1), "forward_agrees", "fail", "differ by at most 1"),
    "training mode": (
        replaced(load=lambda self, device: (Bands.load(self, device), self.model.train())[0]),
        "global_state",
        "fail",
        "training mode",
    ),
    "cannot load": (replaced(build=lambda self: 1 / 0), "load", "fail", "ZeroDivisionError"),
    "length in samples": (
        replaced(forward=lambda self, w: Bands.forward(self, w) * w.shape[-1] / 16000),
        "padding",
        "warn",
        "padding inside a batch",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found_by_its_check(fault):
    adapter, name, status, words = FAULTS[fault]
    found = outcome(adapter, name)
    assert (found.status, words in found.message) == (status, True), found


def with_card(function=None, **changes) -> Adapter:
    from dataclasses import replace

    made = replaced() if function is None else predicting(function)
    made.card = replace(CARD, **changes)
    return made


def softmax(scores, batch):
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


@pytest.mark.parametrize(
    ("adapter", "status", "words"),
    [
        (with_card(softmax, scores="probabilities"), "pass", "scores from"),
        (with_card(softmax), "warn", "look like probabilities"),
        (with_card(scores="probabilities"), "fail", "the card says probabilities"),
        (with_card(lambda s, b: softmax(s, b) / 2, scores="probabilities"), "fail", "sum to 0.5"),
        (with_card(lambda s, b: np.log(softmax(s, b)), scores="log_probabilities"), "pass", "scores from"),
        (with_card(lambda s, b: s + 90, scores="log_probabilities"), "fail", "the card says log_probabilities"),
        (with_card(lambda s, b: np.log(softmax(s, b))), "pass", "logarithms of probabilities"),
    ],
)
def test_scores_against_what_the_card_says(adapter, status, words):
    found = outcome(adapter, "scores_as_declared")
    assert (found.status, words in found.message) == (status, True), found


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"labels": ("a", "a", "b")}, "fail", "labels twice: a"),
        ({"labels": ()}, "fail", "no labels"),
        ({"labels": ("0", "1", "2")}, "warn", "labels are numbers"),
        ({"sample_rate": 0}, "fail", "0 Hz"),
        ({"output": "frames"}, "fail", "needs frame_seconds"),
    ],
)
def test_card_that_cannot_be_used(changes, status, words):
    from benchbed.adapter.check.output import card
    from benchbed.adapter.check.trial import Trial

    found = card(Trial(LoadedAdapter(with_card(**changes), "net.py", "net.py", None, "", {})))
    assert (found[0], words in found[1]) == (status, True), found


def test_probe_set_finds_labels_in_the_wrong_order():
    assert outcome(with_card(), "label_order", tones()).status == "pass"
    found = outcome(with_card(labels=("middle", "high", "low")), "label_order", tones())
    assert found.status == "warn"
    assert "0 of 30" in found.message and "another order 100%" in found.message


def test_probe_set_finds_a_front_end_that_is_lost():
    found = outcome(predicting(lambda s, b: s * 0 + np.float32([1, 0, 0])), "label_order", tones())
    assert found.status == "warn" and "front end" in found.message


def test_probe_set_is_resampled_and_skipped_for_other_labels():
    slow = tones()
    fast = Probes([np.repeat(wave, 2, axis=1) for wave in slow.waveforms], slow.labels, 2 * RATE)
    assert outcome(with_card(), "label_order", fast).status == "pass"
    assert outcome(with_card(labels=("x", "y", "z")), "label_order", slow).status == "skipped"
    assert outcome(with_card(), "label_order").message == "no probe set was given"


def test_fixed_length_is_kept_to():
    class Fixed(Bands):
        def forward(self, waveforms):
            assert waveforms.shape[-1] == RATE, "one second is wanted"
            return super().forward(waveforms)

    adapter = Fixed()
    adapter.card = Card("net", "other", "scene", LABELS, RATE, clip_seconds=1.0)
    found = {item.name: item for item in check(LoadedAdapter(adapter, "", "", None, "", {}))}
    assert found["short_clip"].message.startswith("0.1 s reach the model as 1 s")
    assert found["long_clip"].message.startswith("60 s reach the model as 1 s")
    assert found["padding"].status == "skipped"
    assert not [item for item in found.values() if item.status == "fail"]


def test_adapter_without_forward_or_torch_weights():
    class Plain(Adapter):
        card = CARD

        def predict(self, batch):
            return np.stack([batch.waveforms.std((1, 2)), batch.waveforms.max((1, 2)), batch.waveforms.min((1, 2))], 1)

    assert outcome(Plain(), "gradients").status == "skipped"
    assert outcome(Plain(), "forward_agrees").status == "skipped"


def test_frames_are_checked_too():
    class Frames(Adapter):
        card = Card("net", "other", "frames", LABELS, RATE, scores="probabilities", frame_seconds=0.1)

        def predict(self, batch):
            frames = batch.waveforms[:, 0, : batch.waveforms.shape[2] // 800 * 800].reshape(len(batch), -1, 800)
            return np.stack([np.abs(frames).mean(2), frames.max(2).clip(0, 1), frames.std(2)], axis=2)

    found = check(LoadedAdapter(Frames(), "", "", None, "", {}))
    assert [item for item in found if item.status == "fail"] == []


def test_what_an_adapter_warns_of_is_reported():
    import warnings

    def talkative(scores, batch):
        warnings.warn("only the first second is heard", stacklevel=2)
        return scores

    assert "it warned: only the first second is heard" in outcome(predicting(talkative), "long_clip").message


class Detector(Adapter):
    """Frames of any number for any length."""

    def __init__(self, count, **card):
        self.card = Card("frames", "other", "frames", LABELS, RATE, frame_seconds=0.02, scores="probabilities", **card)
        self.count = count

    def predict(self, batch):
        frames = self.count(batch.waveforms.shape[2] / RATE)
        power = (batch.waveforms**2).mean((1, 2))[:, None, None]
        return np.broadcast_to(power / (1 + power), (len(batch), frames, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("count", "fixed", "status", "words"),
    [
        (lambda s: round(s / 0.02), 10.0, "pass", "500 frames of 0.02 s for 10 s"),
        # A front end that centres its frames gives one more; one that does not pad gives two less.
        (lambda s: round(s / 0.02) + 1, 10.0, "pass", "501 frames"),
        (lambda s: round(s / 0.02) - 2, None, "pass", "98 frames of 0.02 s for 2 s, 198 frames"),
        # 480 frames for 10 s: 4 % early at the end.
        (lambda s: round(48 * s), 10.0, "warn", "up to 0.4 s early; 0.0208333 s would fit"),
        (lambda s: round(48 * s), None, "warn", "early"),
        (lambda s: round(40 * s), 10.0, "fail", "0.025 s would fit"),
        # At 2 s three frames are not told from an edge of two; over two more seconds they are.
        (lambda s: round(s / 0.02) - (2 if s < 3 else 6), None, "warn", "194 frames"),
    ],
)
def test_frames_fill_the_audio(count, fixed, status, words):
    # What a run would refuse is a matter of the answer's shape, after which nothing else is asked.
    found = outcome(Detector(count, clip_seconds=fixed), "shape" if status == "fail" else "frame_grid")
    assert found.status == status and words in found.message
    if status == "pass" and fixed:
        assert "early" not in found.message

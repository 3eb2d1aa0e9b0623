"""The eight wake-word models: counts of the authors' code and of the papers, the front end, and a run of the suite."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest
import torch

from benchbed.adapter.load import load_adapter, start


@pytest.fixture(scope="module")
def wake_words(repository):
    spec = importlib.util.spec_from_file_location("lit_wake_words", repository / "adapters" / "wake_words.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def parameters(net: torch.nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize(
    ("arch", "count"),
    [
        ("vgg19_bn", 38_924_994),
        ("resnet50", 23_505_858),
        ("efficientnet_b1", 6_515_170),
        ("efficientnet_b7", 63_790_930),
        ("efficientnetv2_m", 53_510_170),
        ("efficientnetv2_xl", 207_170_482),
    ],
)
def test_models_of_the_authors_code(wake_words, arch, count):
    """Parameters of lijuncheng16/EfficientWakeWord b559182 with two classes and one channel. Run beside it with the
    same random weights and batch statistics on two images of 32 × 32, the largest differences of the logits are 3.4e-8
    (efficientnet_b1), 6.0e-8 (efficientnet_b7), and none in the other four."""
    with torch.device("meta"):
        assert parameters(wake_words.network(2, arch)) == count


@pytest.mark.parametrize(
    ("width", "count", "published"), [(64, 607_267, 607), (128, 2_394_147, 2394), (192, 5_360_675, 5361)]
)
def test_keyword_transformers_have_the_published_sizes(wake_words, width, count, published):
    """KWT-1, -2 and -3 with 35 words on 98 frames of 40 bands: 607 K, 2,394 K and 5,361 K parameters as Berg, O'Connor
    and Cruz (Interspeech 2021) tabulate them. All three are met by an MLP without bias and attention with."""
    with torch.device("meta"):
        net = wake_words.KeywordTransformer(35, width, 40, 98)
    assert parameters(net) == count and round(count / 1000) == published


def test_the_small_separable_network(wake_words):
    """By hand: 40 weights of 64 filters, four times 9 + 64 weights of 64 channels, nine batch norms, the classifier."""
    assert parameters(wake_words.network(2, "dscnn")) == 64 * 40 + 4 * (9 * 64 + 64 * 64) + 9 * 128 + 130


def test_every_network_answers_an_image(wake_words):
    for arch in ("dscnn", "transformer", "efficientnet_b1", "vgg19_bn", "resnet50"):
        net = wake_words.network(2, arch).eval()
        with torch.no_grad():
            assert net(torch.randn(1, 1, 32, 32)).shape == (1, 2)


def test_the_front_end_is_that_of_librosa(wake_words):
    """Mel bands in dB below the loudest, 80 deep, as the authors' code asks librosa for them."""
    librosa = pytest.importorskip("librosa")
    wave = np.random.default_rng(0).standard_normal(16000).astype(np.float32) * np.linspace(0, 0.3, 16000, dtype="f4")
    mel = librosa.feature.melspectrogram(y=wave, sr=16000, n_mels=32, pad_mode="reflect")
    theirs = librosa.power_to_db(mel, ref=np.max)
    ours = wake_words.MelImage()(torch.from_numpy(wave)[None, None])[0].numpy()
    assert ours.shape == theirs.shape == (32, 32)
    assert np.abs(ours - theirs).max() < 0.05


def test_the_embedded_weights_hear_the_word(repository):
    from benchbed.data import synthetic
    from benchbed.data.layouts import speech_commands

    adapter = start(load_adapter(str(repository / "adapters/wake_words.py"), {}))
    data = speech_commands.read(synthetic.ensure("speech_commands", size="small", seed=7), keyword="marvin")
    assert data.labels == adapter.card.labels == ("marvin", "_unknown_")


def test_the_suite_runs_on_a_fresh_machine(repository, tmp_path):
    import benchbed as bb

    overrides = {"statistics.draws": 20, "conditions": ["clean"]}
    run = bb.run("wake_word", str(repository / "adapters/wake_words.py"), limit=60, out=tmp_path, overrides=overrides)
    clean = run.result.cells[0]
    assert run.result.dataset.synthetic and run.result.primary == "balanced_f1"
    assert 0.5 < clean.metrics["balanced_f1"].value <= 1
    heard = run.predictions("scene/test/clean")
    said, answer = heard["label"].astype(str) == "marvin", heard["prediction"].astype(str) == "marvin"
    recall, alarms = answer[said].mean(), answer[~said].mean()
    assert clean.metrics["balanced_f1"].value == pytest.approx(2 * recall / (1 + recall + alarms))
    assert "Balanced F1" in (run.path / "report.html").read_text()

"""adapters/hf.py: tiny random checkpoints, compared with direct use of transformers."""

import json
import shutil
import sys

import numpy as np
import pytest
import torch

from benchbed.adapter.checkpoint import trusting
from benchbed.adapter.load import load_adapter
from benchbed.errors import AdapterError, CheckpointError, ConfigError
from benchbed.rng import preserved_global_state, stream
from benchbed.types import Batch

pytest.importorskip("transformers")
LABELS = {0: "airport", 1: "bus", 2: "tram"}


@pytest.fixture(scope="module")
def hf(repository):
    """The adapter's module, which also makes transformers importable beside a broken torchvision."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("adapter_file_hf", repository / "adapters" / "hf.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def ast(hf, tmp_path):
    import transformers

    config = transformers.ASTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_length=128,
        num_mel_bins=32,
        id2label=LABELS,
    )
    with preserved_global_state(3):
        model = transformers.ASTForAudioClassification(config).eval()
    return save(model, transformers.ASTFeatureExtractor(max_length=128, num_mel_bins=32), tmp_path / "ast")


@pytest.fixture
def wav2vec2(hf, tmp_path):
    import transformers

    config = transformers.Wav2Vec2Config(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=(8,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
        classifier_proj_size=8,
        id2label=LABELS,
    )
    with preserved_global_state(4):
        model = transformers.Wav2Vec2ForSequenceClassification(config).eval()
    extractor = transformers.Wav2Vec2FeatureExtractor(return_attention_mask=False)
    return save(model, extractor, tmp_path / "wav2vec2")


def save(model, extractor, folder):
    model.save_pretrained(folder)
    extractor.save_pretrained(folder)
    return folder, model, extractor


def open_adapter(repository, folder, **options):
    adapter = load_adapter(str(repository / "adapters" / "hf.py"), {"model": str(folder)} | options).adapter
    adapter.load("cpu")
    return adapter


def make_batch(lengths=(16000, 9000)):
    waveforms = np.zeros((len(lengths), 1, max(lengths)), np.float32)
    for row, length in enumerate(lengths):
        waveforms[row, 0, :length] = 0.1 * stream("hf", row).standard_normal(length) + 0.05
    return Batch(waveforms, np.array(lengths), 16000)


def direct(model, extractor, clip):
    inputs = extractor(clip, sampling_rate=16000, return_tensors="pt")
    with torch.inference_mode():
        return model(inputs["input_values"]).logits[0].numpy()


@pytest.mark.parametrize("which", ["ast", "wav2vec2"])
def test_agrees_with_direct_use(repository, request, which):
    folder, model, extractor = request.getfixturevalue(which)
    adapter, batch = open_adapter(repository, folder), make_batch()
    scores = adapter.predict(batch)
    for row, length in enumerate(batch.lengths):
        expected = direct(model, extractor, batch.waveforms[row, 0, :length])
        np.testing.assert_allclose(scores[row], expected, atol=1e-5)
    assert np.array_equal(adapter.predict(batch), scores)
    card = adapter.card
    assert (card.labels, card.sample_rate, card.output) == (tuple(LABELS.values()), 16000, "scene")
    assert (card.name, card.family) == (which, "ssl" if which == "wav2vec2" else "transformer")
    names = {path.name for path in adapter.weights()}
    assert names == {"config.json", "model.safetensors", "preprocessor_config.json"}


def test_forward_where_the_model_hears_the_waveform(repository, wav2vec2, ast):
    adapter, batch = open_adapter(repository, wav2vec2[0]), make_batch((16000, 16000))
    waveforms = torch.from_numpy(batch.waveforms).requires_grad_()
    logits = adapter.forward(waveforms)
    np.testing.assert_allclose(logits.detach().numpy(), adapter.predict(batch), atol=1e-6)
    logits.sum().backward()
    assert torch.isfinite(waveforms.grad).all() and waveforms.grad.abs().max() > 0
    assert not hasattr(open_adapter(repository, ast[0]), "forward")


def test_shortest_clip_and_silence(repository, wav2vec2, ast):
    for folder, *_ in (wav2vec2, ast):
        adapter = open_adapter(repository, folder)
        samples = round(adapter.card.min_seconds * 16000)
        scores = adapter.predict(Batch(np.zeros((1, 1, samples), np.float32), np.array([samples]), 16000))
        assert np.isfinite(scores).all()


def test_multi_label_and_given_labels(repository, ast):
    folder = ast[0]
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"problem_type": "multi_label_classification"}))
    assert open_adapter(repository, folder).card.output == "tags"
    assert open_adapter(repository, folder, output="scene", labels="a,b,c").card.labels == ("a", "b", "c")
    with pytest.raises(ConfigError, match="2 labels are given for a model of 3"):
        open_adapter(repository, folder, labels="a,b")


def test_missing_weights_are_not_made_up(repository, ast):
    from safetensors.torch import save_file

    folder, model, _ = ast
    kept = {name: tensor for name, tensor in model.state_dict().items() if not name.startswith("classifier.dense")}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match="2 weights are not in the checkpoint: classifier") as caught:
        open_adapter(repository, folder)
    assert "fine-tuned" in caught.value.hint


def test_pickle_only_with_trust(repository, ast, tmp_path):
    folder, model, extractor = ast
    saved_safely = tmp_path / "safe"
    shutil.copytree(folder, saved_safely)
    (folder / "model.safetensors").unlink()
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="no weights in safetensors") as caught:
        open_adapter(repository, folder)
    assert "--trust-checkpoint" in caught.value.hint
    with trusting():
        open_adapter(repository, saved_safely)
        adapter = open_adapter(repository, folder)
    batch = make_batch((16000,))
    np.testing.assert_allclose(adapter.predict(batch)[0], direct(model, extractor, batch.waveforms[0, 0]), atol=1e-5)


def test_bad_folders(repository, tmp_path, ast):
    with pytest.raises(CheckpointError, match="no transformers checkpoint"):
        open_adapter(repository, tmp_path / "facebook" / "wav2vec2-base")
    folder = ast[0]
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(CheckpointError, match="cannot read the feature extractor"):
        open_adapter(repository, folder)


def test_another_kind_of_model(repository, ast):
    folder = ast[0]
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", "architectures": ["BertModel"]}))
    with pytest.raises(CheckpointError):
        open_adapter(repository, folder)


def test_damaged_weights(repository, ast):
    folder = ast[0]
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="cannot read the model"):
        open_adapter(repository, folder)


def test_a_missing_package_is_answered_with_its_extra(repository, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(AdapterError, match="cannot be imported") as caught:
        load_adapter(str(repository / "adapters" / "hf.py"), {})
    assert "benchbed[hf]" in caught.value.hint

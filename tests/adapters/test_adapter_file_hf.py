"""adapters/hf.py: tiny random checkpoints, compared with direct use of transformers."""

import json
import shutil
import sys

import numpy as np
import pytest
import torch

from benchbed.adapter.checkpoint import trusting
from benchbed.adapter.load import load_adapter, start
from benchbed.errors import AdapterError, BenchbedError, CheckpointError, ConfigError
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
    assert open_adapter(repository, ast[0]).forward is None


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


@pytest.fixture(scope="module")
def clap(hf, tmp_path_factory):
    """A tiny CLAP model with random weights, and a tokenizer of single characters."""
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, RobertaTokenizer

    folder = tmp_path_factory.mktemp("clap")
    names = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *(chr(code) for code in range(33, 127)), "\u0120"]
    vocabulary = {name: number for number, name in enumerate(dict.fromkeys(names))}
    RobertaTokenizer(vocab=vocabulary, merges=[]).save_pretrained(folder)
    text = {"vocab_size": len(vocabulary), "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    text |= {"intermediate_size": 37, "max_position_embeddings": 130}
    sound = {"num_mel_bins": 64, "window_size": 8, "spec_size": 256, "patch_size": 4, "patch_stride": [4, 4]}
    sound |= {"hidden_size": 64, "patch_embeds_hidden_size": 16, "depths": [1, 1, 1], "num_attention_heads": [2, 2, 2]}
    config = ClapConfig(text_config=text, audio_config={**sound, "num_hidden_layers": 3}, projection_dim=16)
    with preserved_global_state(3):
        ClapModel(config).save_pretrained(folder)
    ClapFeatureExtractor(feature_size=64, sampling_rate=48000, max_length_s=2, truncation="rand_trunc").save_pretrained(
        folder
    )
    return folder


def heard(seconds, queries, seed=0):
    samples = round(48000 * seconds)
    wave = np.random.default_rng(seed).normal(0, 0.1, (2, 1, samples)).astype(np.float32)
    return Batch(wave, np.full(2, samples), 48000, {"queries": (queries,) * 2})


def test_a_clap_folder_gives_similarities_in_both_directions(hf, clap):
    from transformers import AutoTokenizer, ClapFeatureExtractor, ClapModel

    adapter = start(load_adapter(hf.__file__, {"model": str(clap)}), "cpu")
    assert adapter.card.output == "similarity" and adapter.card.sample_rate == 48000 and adapter.forward is None
    queries = ("a dog barks", "rain falls on a roof", "?")
    batch = heard(2.0, queries)
    found = adapter.predict(batch)
    assert found.shape == (2, 3) and len(np.unique(found.round(5))) == 6
    # The library's own towers on the same two seconds.
    model = ClapModel.from_pretrained(clap).eval()
    with torch.no_grad():
        inputs = ClapFeatureExtractor.from_pretrained(clap)(
            list(batch.waveforms[:, 0]), sampling_rate=48000, return_tensors="pt"
        )
        tokens = AutoTokenizer.from_pretrained(clap)(list(queries), padding=True, return_tensors="pt")
        wanted = model(**inputs, **tokens).logits_per_audio / model.logit_scale_a.exp()
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-5)


def test_a_long_clip_is_heard_to_its_end_and_the_same_twice(hf, clap):
    adapter = start(load_adapter(hf.__file__, {"model": str(clap)}), "cpu")
    batch = heard(5.0, ("a dog", "rain"))
    found = adapter.predict(batch)
    np.testing.assert_array_equal(found, adapter.predict(batch))
    batch.waveforms[:, :, -48000:] *= -0.5
    assert np.abs(adapter.predict(batch) - found).max() > 1e-6


def test_clap_finds_moments_by_windows(hf, clap):
    adapter = start(load_adapter(hf.__file__, {"model": str(clap), "output": "moments", "window_seconds": "1"}), "cpu")
    (first, second), _ = adapter.predict(heard(4.0, ("a dog", "rain")))
    assert first.shape[1] == second.shape[1] == 3 and first[:, 1].max() <= 4.0


@pytest.mark.parametrize(
    ("options", "said"),
    [({"labels": "a,b"}, "'labels' is about classifiers"), ({"output": "tags"}, "pair of encoders")],
)
def test_options_of_classifiers_are_refused_for_clap(hf, clap, options, said):
    with pytest.raises(BenchbedError, match=said):
        load_adapter(hf.__file__, {"model": str(clap), **options})

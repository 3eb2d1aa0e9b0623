"""adapters/hf_captioner.py: a tiny random Whisper against direct use of transformers."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from benchbed.adapter.load import load_adapter
from benchbed.attack.losses import aimed, caption
from benchbed.errors import CheckpointError, ConfigError
from benchbed.rng import preserved_global_state, stream
from benchbed.types import Batch

pytest.importorskip("transformers")
from benchbed.adapter.hugging import hidden, transformers

PIECES = [
    "<|end|>",
    "<|start|>",
    "<|caption|>",
    "[UNK]",
    "a",
    "dog",
    "barks",
    "rain",
    "falls",
    "on",
    "the",
    "roof",
    "!",
]


@pytest.fixture(scope="module")
def whisper(tmp_path_factory):
    """Folder, model and extractor of a captioner of two layers, two seconds and thirteen words."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    folder = tmp_path_factory.mktemp("hf") / "whisper-tiny-random"
    words = Tokenizer(models.WordLevel({piece: i for i, piece in enumerate(PIECES)}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokeniser = transformers.PreTrainedTokenizerFast(
        tokenizer_object=words,
        unk_token="[UNK]",
        eos_token="<|end|>",
        additional_special_tokens=["<|start|>", "<|caption|>"],
    )
    config = transformers.WhisperConfig(
        vocab_size=len(PIECES),
        num_mel_bins=80,
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_source_positions=100,
        max_target_positions=40,
        decoder_start_token_id=1,
        bos_token_id=1,
        eos_token_id=0,
        pad_token_id=0,
        suppress_tokens=[12],
        begin_suppress_tokens=[0],
        init_std=0.5,
    )
    with preserved_global_state(5):
        model = transformers.WhisperForConditionalGeneration(config).eval()
    extractor = transformers.WhisperFeatureExtractor(feature_size=80, chunk_length=2)
    model.generation_config.suppress_tokens = [12]
    model.generation_config.begin_suppress_tokens = [0]
    for part in (model, extractor, tokeniser):
        part.save_pretrained(folder)
    return folder, model, extractor


def opened(repository, folder, **options):
    adapter = load_adapter(
        str(repository / "adapters" / "hf_captioner.py"), {"model": str(folder), "longest": 20} | options
    ).adapter
    adapter.load("cpu")
    return adapter


def clips(count: int = 3, samples: int = 32000) -> np.ndarray:
    return np.stack([0.1 * stream("whisper", i).standard_normal((1, samples)) for i in range(count)]).astype(np.float32)


def test_its_spectrogram_is_the_extractors(repository, whisper):
    folder, _, extractor = whisper
    adapter = opened(repository, folder)
    given = clips(2, 20000)
    given[1, :, 9000:] = 0
    expected = extractor(list(given[:, 0]), sampling_rate=16000, return_tensors="np").input_features
    ours = adapter.features(torch.from_numpy(given)).numpy()
    assert ours.shape == expected.shape
    np.testing.assert_allclose(ours, expected, atol=2e-4)


@pytest.mark.parametrize("prompt", ["", "<|caption|>", "a dog"])
def test_greedy_captions_are_the_models_likeliest_allowed_pieces(repository, whisper, prompt):
    folder, model, extractor = whisper
    adapter = opened(repository, folder, prompt=prompt, longest=12)
    given = clips()
    said = adapter.predict(Batch(given, np.full(3, 32000), 16000)).tolist()
    told = {"": [], "<|caption|>": [2], "a dog": [4, 5]}[prompt]
    for row, text in enumerate(said):
        features = extractor(given[row, 0], sampling_rate=16000, return_tensors="pt").input_features
        pieces, start = [], [1, *told]
        for _ in range(12):
            with torch.no_grad():
                odds = model(features, decoder_input_ids=torch.tensor([start + pieces])).logits[0, -1].clone()
            odds[[12, *([0] if not pieces else [])]] = float("-inf")
            piece = int(odds.argmax())
            if piece == 0:
                break
            pieces.append(piece)
        assert text == " ".join(PIECES[piece] for piece in pieces if piece not in (1, 2))
    assert adapter.card.output == "caption" and adapter.card.clip_seconds == 2.0
    assert {path.suffix for path in adapter.weights()} == {".safetensors", ".json"}


def test_the_loss_of_a_caption_is_that_of_the_model(repository, whisper):
    folder, model, extractor = whisper
    adapter = opened(repository, folder, prompt="<|caption|>")
    given = clips(1)
    features = extractor(given[0, 0], sampling_rate=16000, return_tensors="pt").input_features
    text = "rain falls on the roof"
    numbers = adapter.spell(text)
    assert numbers == [7, 8, 9, 10, 11]
    with torch.inference_mode():
        odds = model(features, decoder_input_ids=torch.tensor([[1, 2, *numbers]])).logits[0, 1:]
    expected = torch.nn.functional.cross_entropy(odds, torch.tensor([*numbers, 0])).item()
    losses = caption.taught(aimed("caption"), adapter, [(text,)])
    points = torch.from_numpy(given).requires_grad_(True)
    value = losses.LOSSES["ce"](adapter.hear(points), torch.tensor([[0]]))
    assert value.item() == pytest.approx(expected, abs=1e-4)
    (slope,) = torch.autograd.grad(value.sum(), points)
    assert bool(slope.isfinite().all()) and slope.abs().max() > 0


def test_a_beam_and_a_clip_alone(repository, whisper):
    adapter = opened(repository, whisper[0], decode="beam", beam=2, longest=8)
    given = clips()
    together = adapter.predict(Batch(given, np.full(3, 32000), 16000))
    alone = [adapter.predict(Batch(given[i : i + 1], np.array([32000]), 16000))[0] for i in range(3)]
    assert together.tolist() == alone
    silent = adapter.predict(Batch(np.zeros((1, 1, 32000), np.float32), np.array([32000]), 16000))
    assert isinstance(silent[0], str)


def test_what_is_wrong_with_a_folder_is_said(repository, whisper, tmp_path):
    folder = whisper[0]
    with pytest.raises(CheckpointError, match="no transformers checkpoint"):
        opened(repository, tmp_path)
    with pytest.raises(ConfigError, match="do not fit into 40"):
        opened(repository, folder, longest=40)
    for path in folder.iterdir():
        if path.suffix == ".json":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(CheckpointError, match="no weights in safetensors format"):
        opened(repository, tmp_path)
    from safetensors.torch import load_file, save_file

    state = load_file(folder / "model.safetensors")
    state.pop("model.encoder.layers.0.fc1.weight")
    save_file(state, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"1 weights are not in the checkpoint"):
        opened(repository, tmp_path)
    about = json.loads((tmp_path / "preprocessor_config.json").read_text())
    about["feature_extractor_type"] = "Wav2Vec2FeatureExtractor"
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(about))
    with pytest.raises(ConfigError, match="is not Whisper's"):
        opened(repository, tmp_path)


def test_the_adapter_of_classifiers_points_to_this_one(repository, whisper):
    with pytest.raises(ConfigError, match="says sentences and has no classes") as error:
        load_adapter(str(repository / "adapters" / "hf.py"), {"model": str(whisper[0])})
    assert "hf_captioner.py" in error.value.hint


def test_modules_are_hidden_for_a_block_only():
    import sys

    before = sys.modules.get("json")
    with hidden("json"), pytest.raises(ImportError):
        import json as _  # noqa: F401
    assert sys.modules["json"] is before

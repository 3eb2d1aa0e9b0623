"""WaveTransformer against its authors' code: the same weights under their names give the same memory, logits and words.

`published_captioners.json` holds what the public repository answered to the weights and inputs made here. Its own
sentences depend on the place of a clip in its batch: a clip alone is the first.
"""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from adapters.test_adapter_files_published import filled, module, spectrogram

from benchbed.adapter.load import load_adapter
from benchbed.errors import BenchbedError, CheckpointError, ConfigError

GOLDEN = json.loads(Path(__file__).with_name("published_captioners.json").read_text())["networks"]
WORDS = ["<sos>", *(f"w{number}" for number in range(1, 9)), "<eos>", *(f"w{number}" for number in range(10, 30))]


@pytest.fixture(scope="module")
def published(repository):
    return module(repository, "wavetransformer")


def weights(published, arch: str) -> dict[str, torch.Tensor]:
    net = published.WaveTransformer(len(WORDS), arch)
    made = filled({name: value.shape for name, value in net.state_dict().items()})
    made["classifier.bias"][9] += 2.0
    return made


@pytest.fixture
def opened(published, tmp_path):
    def made(arch: str, **options):
        words = tmp_path / "words.json"
        words.write_text(json.dumps(WORDS))
        state = {f"module.{name}": value for name, value in weights(published, arch).items()}
        # What the published model holds besides.
        state["module.decoder.positional_encoding.pe"] = torch.zeros(1, 5000, 128)
        state |= {f"module.{name}": torch.zeros(shape) for name, shape in GOLDEN["wt"]["unused"].items()}
        torch.save(state, tmp_path / "best.pt")
        adapter = published.WaveTransformerCaptioner(checkpoint=tmp_path / "best.pt", words=words, arch=arch, **options)
        adapter.load("cpu")
        return adapter

    return made


def words_of(numbers: list[int]) -> str:
    said = numbers[1:]
    said = said[: said.index(9)] if 9 in said else said
    return " ".join(WORDS[number] for number in said)


@pytest.mark.parametrize("arch", sorted(GOLDEN))
def test_it_answers_as_the_published_code_does(opened, arch):
    golden, adapter = GOLDEN[arch], opened(arch)
    x = spectrogram(40, 64)
    with torch.no_grad():
        memory = adapter.model.encoder(x)
        logits = adapter.next_words(memory[:1], torch.tensor([[0, 3, 4, 5, 6, 7]]))[0]
    assert memory[:, ::13, ::37].flatten().tolist() == pytest.approx(golden["memory"], abs=2e-5)
    assert logits[:, ::7].flatten().tolist() == pytest.approx(golden["logits"], abs=2e-4)
    assert adapter.texts(memory) == [words_of(numbers) for numbers in golden["greedy"]]
    beam = opened(arch, decode="beam", beam=2)
    for row, numbers in enumerate(golden["beam"]):
        if numbers is not None:  # where no sentence ends, the published search ends in an error
            assert beam.texts(memory[row : row + 1]) == [words_of(numbers)]


def test_a_caption_does_not_depend_on_the_place_in_a_batch_as_the_published_one_does(opened):
    golden, adapter = GOLDEN["wt_tf"], opened("wt_tf")
    with torch.no_grad():
        memory = adapter.model.encoder(spectrogram(40, 64))
    assert words_of(golden["greedy_of_the_second_in_a_batch"]) != words_of(golden["greedy"][1])
    assert adapter.texts(memory)[1] == adapter.texts(memory[1:])[0] == words_of(golden["greedy"][1])


@pytest.mark.parametrize("arch", sorted(GOLDEN))
def test_parameters_are_those_of_the_published_code(published, arch):
    for words, known in ((30, "parameters"), (4367, "parameters_4367_words")):
        net = published.WaveTransformer(words, arch)
        # One block of its decoder is never used there, and is not here.
        assert sum(p.numel() for p in net.parameters()) == GOLDEN[arch][known]


def test_frames_are_as_many_as_the_paper_counts(published):
    net = published.WaveTransformer(30, "wt_temp")
    for seconds, frames in ((15, 1292), (30, 2584), (10, 862)):
        assert net.frontend(torch.zeros(1, seconds * 44100)).shape == (1, 64, frames)


def test_the_spectrogram_is_librosas(published):
    librosa = pytest.importorskip("librosa")
    y = np.random.Generator(np.random.Philox(3)).standard_normal(44100).astype(np.float32)
    mel = librosa.feature.melspectrogram(
        y=y,
        sr=44100,
        n_fft=1024,
        hop_length=512,
        window="hann",
        power=1.0,
        n_mels=64,
        htk=False,
        norm="slaney",
        pad_mode="reflect",
    )
    ours = published.WaveTransformer(30, "wt_temp").frontend(torch.from_numpy(y)[None])[0].numpy()
    np.testing.assert_allclose(ours, np.log(mel + np.finfo(float).eps), atol=1e-3)


def test_words_may_be_told_apart_by_place(opened):
    memory = torch.randn(1, 9, 128, generator=torch.Generator().manual_seed(2))
    words = torch.tensor([[0, 3, 3, 3]])
    along = opened("wt_temp", places="words").next_words(memory, words)
    assert (along[0, 1] - along[0, 3]).abs().max() > 1e-2
    # Without places the same word after the same words is told apart only by how many they are.
    assert opened("wt_temp").card.description.endswith("places of clip")


def test_silence_and_short_clips_have_captions(opened):
    adapter = opened("wt")
    assert adapter.hear(torch.zeros(1, 1, 4410)).isfinite().all()


def test_lists_of_words_are_read_as_data(published, tmp_path):
    for name, content in (
        ("words.p", pickle.dumps(WORDS, protocol=2)),
        ("words.json", json.dumps(WORDS).encode()),
        ("words.txt", "\n".join(WORDS).encode()),
    ):
        (tmp_path / name).write_bytes(content)
        assert published.read_words(tmp_path / name) == tuple(WORDS)

    class Runs:
        def __reduce__(self):
            return print, ("it ran",)

    for name, content, what in (
        ("bad.p", pickle.dumps(Runs()), "it asks for builtins.print"),
        ("dict.p", pickle.dumps({"a": 1}), "no list of words"),
        ("twice.txt", b"<sos> <eos> a a", "the word 'a' is listed twice"),
        ("marks.txt", b"a b", "no <sos>"),
        ("cut.p", pickle.dumps(WORDS)[:20], "no list of words"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ConfigError, match=what):
            published.read_words(tmp_path / name)
    with pytest.raises(ConfigError, match="cannot be read"):
        published.read_words(tmp_path / "none.p")


def test_what_is_missing_is_said(repository, opened, tmp_path):
    with pytest.raises(BenchbedError, match="no weights of its own") as error:
        load_adapter(str(repository / "adapters" / "wavetransformer.py"), {})
    assert "--set words=FILE" in error.value.hint
    with pytest.raises(CheckpointError, match="does not fit"):
        opened("wt_temp")
        torch.save({"encoder.fc.weight": torch.zeros(1)}, tmp_path / "best.pt")
        adapter = sys.modules["adapter_published_wavetransformer"].WaveTransformerCaptioner(
            checkpoint=tmp_path / "best.pt", words=tmp_path / "words.json"
        )
        adapter.load("cpu")
    with pytest.raises(ConfigError, match="a beam of 0"):
        opened("wt_temp", decode="beam", beam=0)

"""Taggers and detectors: published parameter counts, shapes and times of outputs, and weights that learnt something."""

from __future__ import annotations

import csv
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from benchbed.adapter import Batch
from benchbed.adapter.checkpoint import read_metadata
from benchbed.adapter.load import load_adapter, start
from benchbed.data import synthetic
from benchbed.errors import CheckpointError, ConfigError
from benchbed.predictions.store import read_units
from benchbed.results.store import read
from benchbed.run import session
from benchbed.suite.load import load_suite


def module(repository: Path, name: str):
    """An adapter file as a module, under a name that hides no other."""
    spec = importlib.util.spec_from_file_location(f"adapter_file_{name}", repository / "adapters" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


def parameters(network) -> int:
    return sum(p.numel() for p in network.parameters())


def noise(rate: int, seconds: float, clips: int = 1) -> Batch:
    random = np.random.Generator(np.random.Philox(5))
    waves = (0.1 * random.standard_normal((clips, 1, round(rate * seconds)))).astype(np.float32)
    return Batch(waves, np.full(clips, waves.shape[2]), rate)


@pytest.mark.parametrize(
    ("arch", "classes", "published"),
    [
        ("cnn6", 3, 4_568_643),
        ("cnn6", 4, 4_569_156),
        ("cnn6", 527, 4_837_455),
        ("cnn10", 3, 4_950_467),
        ("cnn10", 4, 4_950_980),
        ("cnn10", 527, 5_219_279),
        ("cnn14", 527, 80_753_615),
    ],
)
def test_panns_have_the_published_parameters(repository, arch, classes, published):
    with torch.device("meta"):
        net = module(repository, "panns").Pann(arch, classes, Fake())
    assert parameters(net) == published


class Fake(torch.nn.Identity):
    """In the place of a front end, which has no parameters."""

    n_mels = 64


@pytest.fixture
def pann(repository, tmp_path: Path):
    """A CNN6 of three classes with random weights, saved the way the authors do, their spectrogram layers included."""
    net = module(repository, "panns").network("cnn6", 3, 44100, n_fft=1764, hop_length=882)
    state = {k: v for k, v in net.state_dict().items() if not k.startswith("frontend.")}
    state["spectrogram_extractor.stft.conv_real.weight"] = torch.zeros(5, 1, 8)
    state["logmel_extractor.melW"] = torch.zeros(5, 64)
    torch.save({"iteration": 7, "model": state}, tmp_path / "cnn6.pth")
    return tmp_path / "cnn6.pth"


def test_an_official_pann_state_dict_loads_and_tags_windows_of_a_second(repository, pann):
    options = {
        "arch": "cnn6",
        "checkpoint": str(pann),
        "labels": "bus,car,motorcycle",
        "clip_seconds": "1",
        "sample_rate": "44100",
        "window": "1764",
        "hop": "882",
    }
    adapter = start(load_adapter(str(repository / "adapters/panns.py"), options))
    scores = adapter.predict(noise(44100, 1.0, 2))
    assert scores.shape == (2, 3) and adapter.card.clip_seconds == 1.0 and adapter.card.output == "tags"
    with pytest.raises(CheckpointError, match="3 classes and there are 2 labels"):
        load_adapter(str(repository / "adapters/panns.py"), options | {"labels": "bus,car"})
    with pytest.raises(ConfigError, match="names of its classes"):
        load_adapter(str(repository / "adapters/panns.py"), {"checkpoint": str(pann)})


def test_talnet_counts_and_pooling(repository):
    made = module(repository, "talnet")
    with torch.device("meta"):
        # Published as 10.5 million with attention.
        assert parameters(made.TalNet(527, "att")) == 10_520_702
    frames = torch.tensor([[[0.2], [0.6], [0.4]]])
    expected = {"max": 0.6, "ave": 0.4, "lin": (0.04 + 0.36 + 0.16) / 1.2}
    weight = np.exp([0.2, 0.6, 0.4])
    expected["exp"] = float((np.array([0.2, 0.6, 0.4]) * weight).sum() / weight.sum())
    for pooling, value in expected.items():
        assert made.pooled_over_time(frames, pooling).item() == pytest.approx(value, abs=1e-6)
    weights = torch.tensor([[[0.5], [0.25], [0.25]]])
    assert made.pooled_over_time(frames, "att", weights).item() == pytest.approx(0.35)


def test_linear_softmax_has_the_published_gradient(repository):
    # (2 y_i − ŷ) / Σ y: frames below half the clip's probability are pushed down.
    frames = torch.tensor([[[0.1], [0.6], [0.5]]], requires_grad=True)
    clip = module(repository, "talnet").pooled_over_time(frames, "lin")
    clip.sum().backward()
    expected = (2 * frames.detach() - clip.item()) / 1.2
    assert torch.allclose(frames.grad, expected, atol=1e-6) and frames.grad[0, 0, 0] < 0 < frames.grad[0, 1, 0]


def test_talnet_answers_every_tenth_of_a_second(repository, tmp_path):
    made = module(repository, "talnet")
    torch.save({"model": made.TalNet(2).state_dict()}, tmp_path / "t.pt")
    options = {"checkpoint": str(tmp_path / "t.pt"), "labels": "a,b"}
    adapter = start(load_adapter(str(repository / "adapters/talnet.py"), options))
    assert adapter.card.frame_seconds == 0.1
    assert adapter.predict(noise(16000, 2.0)).shape == (1, 20, 2)
    clip = start(load_adapter(str(repository / "adapters/talnet.py"), options | {"output": "tags"}))
    frames = torch.from_numpy(adapter.predict(noise(16000, 2.0)))
    assert np.allclose(clip.predict(noise(16000, 2.0)), made.pooled_over_time(frames, "lin").numpy(), atol=1e-6)


@pytest.mark.parametrize(
    ("arch", "classes", "options", "count"),
    # The baseline is stated as 1.1 million. The others were counted in the networks that the authors of Drossos et al.
    # (2020) publish, with the widths of their settings; MARVEL states 3.5 million and 290 thousand at three classes.
    [
        ("desed", 10, {}, 1_112_420),
        ("cakir", 3, {}, 3_681_027),
        ("cakir", 4, {}, 3_681_284),
        ("cakir", 16, {}, 3_684_368),
        ("marvel", 3, {}, 3_486_627),
        ("marvel", 4, {}, 3_486_788),
        ("dessed", 3, {}, 288_771),
        ("dessed", 4, {}, 310_532),
        ("dessed", 16, {}, 571_664),
        ("dessed", 3, {"kernel": 5}, 292_099),
        ("dessed", 3, {"kernel": 7}, 298_243),
        ("dessed", 3, {"kernel": 7, "inner": 3}, 1_871_107),
    ],
)
def test_recurrent_detectors_have_their_parameters(repository, arch, classes, options, count):
    made = module(repository, "crnn")
    with torch.device("meta"):
        net = {"desed": made.Crnn, "dessed": made.Dessed}.get(arch, made.Cakir)(
            classes, **({"cells": 160} if arch == "marvel" else options)
        )
    assert parameters(net) == count
    if arch == "marvel":
        assert parameters(made.Detector(arch, classes).net) == count


def test_the_counts_of_marvel_follow_from_the_published_widths_but_for_one_gru(repository):
    made = module(repository, "crnn")

    def millions(cells: int) -> float:
        with torch.device("meta"):
            return round(parameters(made.Cakir(3, cells=cells)) / 1e6, 1)

    fitting = [cells for cells in range(100, 257) if millions(cells) == 3.5]
    assert (fitting[0], fitting[-1]) == (139, 194)
    # Counted by hand: three depthwise and three pointwise convolutions, six normalisations, the dilated one, the head.
    separable = 3 * (256 * 25 + 256) + 3 * (256 * 256 + 256) + 6 * 2 * 256
    by_hand = separable + (256 * 9 + 256) + 2 * 256 + (256 * 85 * 3 + 3)
    assert by_hand == parameters(made.Dessed(3)) and round(by_hand, -4) == 290_000


def test_published_street_detectors_load_under_the_authors_names(repository, tmp_path):
    made = module(repository, "crnn")
    torch.manual_seed(0)
    cakir, dessed = made.Cakir(3, width=8, cells=6).eval(), made.Dessed(3, width=8, kernel=5, dilation=2).eval()
    bands = {f"bands.{k}": v for k, v in torch.nn.BatchNorm1d(40).state_dict().items()}
    # A cell in the place of a layer, as the authors step through time.
    cell = {k.removesuffix("_l0"): v for k, v in cakir.state_dict().items()}
    assert {"rnn.weight_ih", "rnn.bias_hh", "dnn.layer_1.0.weight", "dnn.layer_3.2.running_var", "classifier.bias"} <= {
        *cell
    }
    assert {
        "dnn.layer_2.0.depth_wise_conv.weight",
        "dnn.layer_2.0.batch_norm.bias",
        "dnn.layer_2.0.point_wise.bias",
        "dilated_cnn.cnn.weight",
        "dilated_cnn.batch_norm.weight",
    } <= {*dessed.state_dict()}
    torch.save(cell, tmp_path / "cell.pt")
    torch.save(dessed.state_dict(), tmp_path / "dessed.pt")
    torch.save({**{f"net.{k}": v for k, v in dessed.state_dict().items()}, **bands}, tmp_path / "own.pt")
    wave = noise(16000, 10.24, 2)
    for file, arch, net in (
        ("cell.pt", "cakir", cakir),
        ("cell.pt", "marvel", cakir),
        ("dessed.pt", "dessed", dessed),
        ("own.pt", "dessed", dessed),
    ):
        options = {"arch": arch, "checkpoint": str(tmp_path / file), "labels": "a,b,c", "sample_rate": "16000"}
        options |= {"dilation": "2"} if arch == "dessed" else {}
        adapter = start(load_adapter(str(repository / "adapters/crnn.py"), options))
        assert adapter.card.sample_rate == 16000 and adapter.card.frame_seconds == 0.04
        assert "of 8 channels" in adapter.card.description and "published" not in adapter.card.description
        scores = adapter.predict(wave)
        assert scores.shape == (2, 256, 3)
        with torch.no_grad():
            mels = adapter.model.features(torch.from_numpy(wave.waveforms))
            expected = torch.sigmoid(net(adapter.model.bands(mels))[0])
        np.testing.assert_allclose(scores, expected.numpy(), atol=1e-6)
    with pytest.raises(CheckpointError, match="no weights of arch=dessed"):
        load_adapter(str(repository / "adapters/crnn.py"), options | {"checkpoint": str(tmp_path / "cell.pt")})
    with pytest.raises(CheckpointError, match="which classes it knows"):
        load_adapter(str(repository / "adapters/crnn.py"), options | {"labels": ""})
    with pytest.raises(ConfigError, match="hears 16000"):
        load_adapter(str(repository / "adapters/crnn.py"), {"sample_rate": "8000"})


def test_a_card_says_which_widths_are_published(repository, tmp_path):
    made = module(repository, "crnn")
    said = {}
    for name, net, arch in (
        ("published", made.Cakir(3), "cakir"),
        ("derived", made.Cakir(3, cells=160), "marvel"),
        ("separable", made.Dessed(3), "dessed"),
    ):
        torch.save(net.state_dict(), tmp_path / f"{name}.pt")
        options = {"arch": arch, "checkpoint": str(tmp_path / f"{name}.pt"), "labels": "bus,car,motorcycle"}
        said[name] = load_adapter(str(repository / "adapters/crnn.py"), options).card
    assert said["published"].description.endswith("a GRU of 256 cells, as published")
    assert "cells derived from a stated 3.5 million" in said["derived"].description
    assert said["separable"].description.endswith("3 × 3, as published")
    assert all("Drossos" in card.citation and card.sample_rate == 44100 for card in said.values())


def test_dilated_convolutions_see_as_far_as_they_say(repository):
    net = module(repository, "crnn").Dilated(4, 3, 10).eval()
    x = torch.zeros(1, 1, 64, 9)
    still = net(x)
    x[0, 0, 32] = 1
    moved = (net(x) - still).abs().amax((0, 1, 3)) > 1e-7
    assert torch.nonzero(moved).flatten().tolist() == [22, 32, 42]


def test_a_checkpoint_of_the_baseline_is_read_from_its_student(repository, tmp_path):
    made = module(repository, "crnn")
    net = made.Crnn(10)
    # The baseline's own names: its convolutions sit in a module inside a module.
    state = {f"cnn.{k}" if k.startswith("cnn.") else k: v for k, v in net.state_dict().items()}
    assert {"cnn.cnn.conv0.weight", "cnn.cnn.glu6.linear.bias", "rnn.rnn.weight_hh_l1_reverse"} <= {*state}
    lightning = {f"sed_student.{k}": v for k, v in state.items()}
    lightning |= {f"sed_teacher.{k}": torch.zeros_like(v) for k, v in state.items()}
    torch.save({"state_dict": lightning}, tmp_path / "student.ckpt")
    options = {"arch": "desed", "checkpoint": str(tmp_path / "student.ckpt")}
    adapter = start(load_adapter(str(repository / "adapters/crnn.py"), options))
    assert torch.equal(adapter.model.net.dense.weight, net.dense.weight)
    # 16 kHz, hop 256, four frames pooled: 64 ms, 156 of them in ten seconds.
    scores = adapter.predict(noise(16000, 10.0))
    assert scores.shape == (1, 156, 10) and adapter.card.frame_seconds == 0.064
    tags = start(load_adapter(str(repository / "adapters/crnn.py"), options | {"output": "tags"}))
    assert tags.predict(noise(16000, 10.0)).shape == (1, 10)


def test_cnn_transformer_has_the_published_parameters(repository):
    made = module(repository, "cnn_transformer")
    # Stated as 12.1 million: ten convolutions, five pools, two layers with eight heads.
    assert parameters(made.Network(527, "audioset")) == 12_085_054


def test_ast_has_the_published_patches(repository):
    made = module(repository, "ast")
    for stride, patches in ((10, 12 * 101), (16, 8 * 64)):
        with torch.device("meta"):
            config = made.ASTConfig(num_labels=527, frequency_stride=stride, time_stride=stride)
            net = made.ASTForAudioClassification(config)
        names = dict(net.named_parameters())
        assert names["audio_spectrogram_transformer.embeddings.position_embeddings"].shape[1] == patches + 2
        assert 86e6 < parameters(net) < 88e6


def small_ast(made):
    return made.ASTConfig(
        num_labels=2,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_length=64,
        num_mel_bins=32,
    )


def authors(net, made) -> dict[str, torch.Tensor]:
    """The weights of a small AST under the names of the authors, written down from their code."""
    ours, names = net.state_dict(), made.block_names()
    body = "audio_spectrogram_transformer"
    state = {
        "v.cls_token": ours[f"{body}.embeddings.cls_token"],
        "v.dist_token": ours[f"{body}.embeddings.distillation_token"],
        "v.pos_embed": ours[f"{body}.embeddings.position_embeddings"],
    }
    for kind in ("weight", "bias"):
        state[f"v.patch_embed.proj.{kind}"] = ours[f"{body}.embeddings.patch_embeddings.projection.{kind}"]
        state[f"v.norm.{kind}"] = ours[f"{body}.layernorm.{kind}"]
        state[f"mlp_head.0.{kind}"] = ours[f"classifier.layernorm.{kind}"]
        state[f"mlp_head.1.{kind}"] = ours[f"classifier.dense.{kind}"]
        for block in range(2):
            for part in ("norm1", "norm2", "attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"):
                pieces = [ours[f"{names['']}{block}.{name}.{kind}"] for name in names[part]]
                state[f"v.blocks.{block}.{part}.{kind}"] = torch.cat(pieces)
    return {f"module.{key}": value for key, value in state.items()}


def test_the_authors_names_and_the_folder_give_the_same_answers(repository, tmp_path):
    made = module(repository, "ast")
    torch.manual_seed(0)
    net = made.ASTForAudioClassification(small_ast(made)).eval()
    net.config.id2label = {0: "a", 1: "b"}
    net.save_pretrained(tmp_path / "folder")
    other = made.ASTForAudioClassification(small_ast(made)).eval()
    other.load_state_dict(made.converted(authors(net, made)))
    features = torch.randn(2, 64, 32)
    with torch.no_grad():
        assert torch.equal(net(features).logits, other(features).logits)
    adapter = start(load_adapter(str(repository / "adapters/ast.py"), {"checkpoint": str(tmp_path / "folder")}))
    assert adapter.card.labels == ("a", "b")
    scores = adapter.predict(noise(16000, 0.5, 2))
    assert scores.shape == (2, 2) and adapter.predict(noise(16000, 3.0)).shape == (1, 2)
    with pytest.raises(CheckpointError, match=r"no v\.pos_embed"):
        made.converted({"x": torch.zeros(1)})


@pytest.mark.parametrize("name", ["crnn", "cnn_transformer"])
def test_embedded_detectors_learnt_the_soundscapes(repository, tmp_path, name):
    weights = repository / "adapters" / "weights" / f"{name}.safetensors"
    if not weights.is_file():
        pytest.skip("the embedded weights have not been trained in this checkout")
    assert weights.stat().st_size < 1_000_000
    about = read_metadata(weights)
    assert json.loads(about["training_data"])["version"] == synthetic.VERSION
    root = synthetic.ensure("desed", size="small")
    settings = session.Settings(out=tmp_path, data={"desed": root}, quiet=True)
    suite = load_suite(str(repository / "suites/dcase_task4.yaml"), {"statistics.draws": "0", "profile": "false"})
    prepared = session.prepare(suite, str(repository / "adapters" / f"{name}.py"), {}, settings)
    metrics = read(session.run(prepared, settings, {}).path).cells[0].metrics
    # A detector that is always silent or always sure has neither; chance is far below.
    assert metrics["segment_macro_f1"].value > 0.5 and metrics["psds1"].value > 0.2


def test_gpvad_hears_real_clips_by_frame(realdata, repository, tmp_path):
    checkpoint = realdata / "tag_gpvad" / "pretrained_models" / "teacher1" / "model.pth"
    audio = realdata / "esc10" / "audio"
    if not checkpoint.is_file() or not audio.is_dir():
        pytest.skip("no GPVAD weights or no ESC-10 clips among the real data")
    root = tmp_path / "real"
    (root / "audio").mkdir(parents=True)
    rows = ["filename\tonset\toffset\tevent_label"]
    # Clips of ESC-10, annotated here by their class from start to end.
    table = list(csv.DictReader((realdata / "esc10" / "esc10_subset.csv").open()))
    chosen = {"dog": "Dog", "rain": "Rain"}
    files = {kind: [row["filename"] for row in table if row["category"] == kind][:4] for kind in chosen}
    for kind, label in chosen.items():
        for file in files[kind]:
            (root / "audio" / file).write_bytes((audio / file).read_bytes())
            rows.append(f"{file}\t0\t5\t{label}")
    (root / "events.tsv").write_text("\n".join(rows) + "\n")
    text = (
        'name: real\nversion: "1"\ntask: frames\nprofile: false\nstatistics: {draws: 0}\n'
        "data: {layout: events, name: real}\nmetrics: {family: sed_segment}\n"
    )
    suite = tmp_path / "suite.yaml"
    suite.write_text(text)
    settings = session.Settings(out=tmp_path / "runs", data={"real": root}, quiet=True)
    options = {"checkpoint": str(checkpoint), "output": "frames"}
    prepared = session.prepare(load_suite(str(suite)), str(repository / "adapters/gpvad.py"), options, settings)
    result = read(session.run(prepared, settings, options).path)
    assert result.cells[0].counts.scored == len(rows) - 1 and result.model.output == "frames"
    stored = read_units(sorted((tmp_path / "runs").rglob("predictions/*.parquet")))
    assert {int(np.diff(score.edges)[0]) for score in stored.scores} == {20_000}
    peak = {
        clip.rpartition("/")[2]: score.scores.max(0)
        for clip, score in zip(stored.table["clip_id"].astype(str), stored.scores)
    }
    for kind, label in chosen.items():
        column = stored.labels.index(label)
        here = np.median([peak[file][column] for file in files[kind]])
        elsewhere = np.median([peak[file][column] for other in chosen if other != kind for file in files[other]])
        assert here > 10 * elsewhere, f"{label} is heard where it is"


def test_weights_without_their_labels_are_refused(repository, tmp_path):
    save_file({"x": torch.zeros(1)}, tmp_path / "w.safetensors")
    with pytest.raises(CheckpointError, match="which classes it knows"):
        load_adapter(str(repository / "adapters/cnn_transformer.py"), {"checkpoint": str(tmp_path / "w.safetensors")})

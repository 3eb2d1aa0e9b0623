"""The networks of DCASE Task 3 against the official ones, published parameter counts, weights that learnt something.

`seldnet_official.json` holds outputs of the official model classes with weights and inputs that `numbers` and `given`
make: sharathadavanne/seld-dcase2020 at 384ad9b and -2021 at f8e09db, run in Keras 3.15 with the GRU of Keras 2.3
(`reset_after=False`), -2022 at c8adb1d, -2023 at 24d14c9, partha2409/DCASE2024_seld_baseline at 0b07887 and
DCASE2025_seld_baseline at 42a48b6. With random weights and whole sequences the largest differences were 6.0e-8 (2020),
4.5e-8 (2021), both in float32, 7.3e-16 (2022), 4.5e-16 (2023), 5.6e-16 (2024) and 4.5e-16 (2025) in float64.

The two state dicts that DCASE2024_seld_baseline holds, `3_1_dev_split0_multiaccdoa_foa_model.h5` and
`6_1_dev_split0_multiaccdoa_mic_gcc_model.h5`, load. From wav file to vectors, their extraction, standardisation,
sequences and network beside the adapter, the largest difference is 6.7e-6 on synthetic scenes in both formats, and
6.6e-5 on four recordings of an Eigenmike (polarch/JSAmbisonics at ecdb90c, whose maps differ by 2.4e-4 dB and 2.7e-6),
of vectors up to 4.7 long. The repository of 2025 once held checkpoints; the stored copy has them no more.
"""

from __future__ import annotations

import importlib.util
import json
import math
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import benchbed as bb
from benchbed.adapter import Batch
from benchbed.adapter.checkpoint import load_state_dict
from benchbed.adapter.load import load_adapter, start
from benchbed.adapter.spatial import SpatialFeatures
from benchbed.data import synthetic
from benchbed.data.synthesis import localised
from benchbed.errors import CheckpointError, ConfigError
from benchbed.outputs.tracks.classes import CLASSES, STARSS
from benchbed.outputs.tracks.vectors import decoded

OFFICIAL = json.loads((Path(__file__).parent / "seldnet_official.json").read_text())


@pytest.fixture(scope="module")
def seldnet(repository):
    spec = importlib.util.spec_from_file_location("adapter_file_seldnet", repository / "adapters" / "seldnet.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def numbers(name: str, shape: list[int]) -> torch.Tensor:
    """A weight that follows from its name."""
    made = 0.1 * np.random.Generator(np.random.Philox(zlib.crc32(name.encode()))).standard_normal(shape)
    return torch.from_numpy(np.abs(made) + 0.5 if name.endswith("running_var") else made)


def given(shape: list[int]) -> torch.Tensor:
    """Maps of noise."""
    return torch.from_numpy(np.random.Generator(np.random.Philox(9)).standard_normal(shape))


def weights(case: dict) -> dict[str, torch.Tensor]:
    """A state dict under the official names."""
    return {name: numbers(name, shape) for name, shape in case["shapes"].items()}


def network(seldnet, state: dict[str, torch.Tensor], case: dict):
    """Ours with those weights, and its form."""
    year, classes = case["year"], len(CLASSES[case["year"]])
    named = seldnet.as_here(state, "here")
    plan = seldnet.read_plan(named, seldnet.planned(year, "crnn"), "here")
    form = seldnet.read_form(named, year, classes, "here")
    net = seldnet.Network(
        case["input"][1], case["input"][3], form.outputs(classes), plan, classes if form.branches else 0
    )
    net = net.double().eval()
    seldnet.fit_state_dict(net, named)
    return net, form


@pytest.mark.parametrize("name", OFFICIAL)
def test_network_gives_what_the_official_one_gives(seldnet, name):
    case = OFFICIAL[name]
    net, form = network(seldnet, weights(case), case)
    with torch.inference_mode():
        made = form.parts(*net(given(case["input"])), len(CLASSES[case["year"]]))[0]
    if made.ndim == 3:
        made = made[:, None]
    parts = made.transpose(-1, -2)  # [frame, track, part, class], as the official order has it
    if form.branches:
        listed = torch.cat([parts[:, 0, 0], parts[:, 0, 1:4].flatten(1)], 1)
    else:
        listed = (parts[:, :, [0, 1, 3]] if form.flat else parts).flatten(1)
    chosen = listed[[0, 4, 9]][:, :: case["step"]]
    tolerance = 2e-7 if case["year"] < 2022 else 1e-9
    np.testing.assert_allclose(chosen, case["values"], rtol=0, atol=tolerance)


#: MARVEL D3.1, table 1 of appendix 7.3: blocks, heads, sizes, positions, normalised → millions of parameters, printed.
TABLE = [
    (1, 4, "128", False, False, "0.3"),
    (1, 8, "128", False, False, "0.6"),
    (1, 12, "128", False, False, "0.9"),
    (2, 8, "128", False, False, "1.1"),
    (3, 8, "128", False, False, "1.6"),
    (2, 8, "128", False, True, "1.1"),
    (3, 8, "128", False, True, "1.6"),
    (2, 12, "128", False, True, "1.6"),
    (3, 12, "128", False, True, "2.4"),
    (3, 8, "128-256-128", False, True, "2.2"),
    (3, 8, "128-64-128", False, True, "1.4"),
    (2, 8, "128", True, True, "1.1"),
    (3, 8, "128", True, True, "1.6"),
    (3, 8, "128-256-128", True, True, "2.2"),
]


def printed(count: int) -> set[str]:
    """Millions to one decimal, cut or rounded: the table does both."""
    return {f"{math.floor(count / 1e5) / 10:.1f}", f"{count / 1e6:.1f}"}


@pytest.mark.parametrize(("blocks", "heads", "size", "position", "norm", "millions"), TABLE)
def test_attention_has_the_parameters_of_the_table(seldnet, blocks, heads, size, position, norm, millions):
    plan = seldnet.planned(2021, "attention", blocks, heads, size, position, norm)
    with torch.device("meta"):
        net = seldnet.Network(7, 64, 36, plan)
    count = sum(p.numel() for p in net.parameters())
    assert millions in printed(count)
    # By hand: convolutions 77,952; linear layers 21,156; batch normalisation of 84 bands; keys, queries, values and
    # their sum for each head.
    sizes = [int(one) for one in size.split("-")]
    sizes = sizes * blocks if len(sizes) == 1 else sizes
    attention = sum(4 * 128 * heads * one + 3 * heads * one + 128 for one in sizes)
    assert count == 77_952 + 21_156 + 168 + attention + 256 * blocks * norm + 60 * 128 * position


def test_recurrent_baseline_has_the_parameters_of_the_table(seldnet):
    """0.5 M: 494,196 with the moving averages, as Keras counts the model of 2021."""
    with torch.device("meta"):
        net = seldnet.Network(7, 64, 36, seldnet.planned(2021, "crnn"))
    count = sum(p.numel() for p in net.parameters())
    assert count == 494_028 and "0.5" in printed(count)
    assert count + sum(b.numel() for n, b in net.named_buffers() if "running" in n) == 494_196


def batch(channels: int, seconds: float, clips: int = 1, seed: int = 1) -> Batch:
    waves = 0.1 * np.random.Generator(np.random.Philox(seed)).standard_normal((clips, channels, round(24000 * seconds)))
    return Batch(waves.astype(np.float32), np.full(clips, waves.shape[2]), 24000)


@pytest.mark.parametrize("arch", ["crnn", "attention"])
@pytest.mark.parametrize("year", [0, 2020, 2021, 2022, 2023, 2024, 2025])
def test_every_architecture_answers(year, arch):
    adapter = start(load_adapter("seldnet", {"year": str(year), "arch": arch, "weights": "random"}))
    card = adapter.card
    assert card.untrained and (card.family == "crnn") == (arch == "crnn")
    made = adapter.predict(batch(card.channels, card.clip_seconds or 2.0))
    frames, classes = round(10 * (card.clip_seconds or 2.0)), len(card.labels)
    shapes = {2020: (14, 5), 2021: (12, 3), 2022: (3, 13, 3), 2023: (3, 13, 3)}
    assert made.shape == (1, frames, *shapes.get(year, (3, 13, 4))) and classes in made.shape
    told = made[..., :-1] if year == 2020 else made
    assert np.isfinite(told).all()
    assert year != 2020 or np.isnan(made[..., -1]).all()
    assert year != 2025 or (made[..., 2] == 0).all()


@pytest.mark.parametrize("arch", ["crnn", "attention"])
def test_sequences_are_heard_one_after_another(arch):
    adapter = start(load_adapter("seldnet", {"arch": arch, "weights": "random"}))
    whole = batch(4, 12.0)
    with torch.inference_mode():
        maps = adapter.model.features(torch.from_numpy(whole.waveforms))
        parts = torch.cat([adapter.model.located(maps[:, :, at : at + 200]) for at in (0, 200, 400)], 1)
    np.testing.assert_allclose(adapter.predict(whole), parts.numpy(), atol=1e-5)
    assert adapter.predict(whole).shape[1] == 120


def test_gradient_reaches_the_waveform():
    adapter = start(load_adapter("seldnet", {"weights": "random"}))
    waves = torch.from_numpy(batch(4, 1.0).waveforms).requires_grad_()
    adapter.forward(waves).square().sum().backward()
    assert waves.grad is not None and waves.grad.isfinite().all() and (waves.grad != 0).any(-1).all()


@pytest.fixture
def official_2024(tmp_path: Path) -> Path:
    """A state dict of the baseline of 2024 in a torch file that ends with .h5, as the authors save it."""
    state = {n: w.float() for n, w in weights(OFFICIAL["2024 multi-ACCDOA with distance"]).items()}
    torch.save(state, tmp_path / "3_1_dev_split0_multiaccdoa_foa_model.h5")
    return tmp_path / "3_1_dev_split0_multiaccdoa_foa_model.h5"


def test_a_torch_file_that_ends_with_h5_loads(official_2024, tmp_path):
    with pytest.raises(CheckpointError, match="not what its ending"):
        load_state_dict(official_2024)
    np.savez(tmp_path / "scaler.npz", mean=np.arange(448.0), scale=np.arange(1.0, 449.0))
    options = {"year": "2024", "checkpoint": str(official_2024), "scaler": str(tmp_path / "scaler.npz")}
    adapter = start(load_adapter("seldnet", options))
    assert adapter.predict(batch(4, 5.0)).shape == (1, 50, 3, 13, 4)
    assert adapter.model.scaler.mean[2, 5] == 2 * 64 + 5 and adapter.model.scaler.scale[6, 63] == 448
    assert "guess" not in adapter.card.description and adapter.weights() == [official_2024]


def test_official_weights_stay_put_in_the_adapter(official_2024):
    options = {"year": "2024", "checkpoint": str(official_2024), "scaler": "recording"}
    adapter = start(load_adapter("seldnet", options))
    assert "a guess" in adapter.card.description
    ours = adapter.model.net.state_dict()
    for name, weight in torch.load(official_2024, weights_only=True).items():
        name = name.replace(".in_proj_", ".qkv.").replace(".out_proj.", ".out.")
        assert torch.equal(ours[name], weight), name


def test_recording_scaler_keeps_directions(seldnet):
    maps = torch.randn(1, 7, 50, 8) + torch.tensor([3.0, 3, 3, 3, 2, 1, -4])[:, None, None]
    made = seldnet.Scaler(7, 8, 4, by_recording=True)(maps)
    torch.testing.assert_close(made[:, :4].mean(2), torch.zeros(1, 4, 8), atol=1e-5, rtol=0)
    torch.testing.assert_close(made[:, :4].square().mean(2), torch.ones(1, 4, 8), atol=1e-4, rtol=0)
    torch.testing.assert_close(made[:, 4:].square().mean((1, 2)), torch.ones(1, 8), atol=1e-4, rtol=0)
    # A direction that stays is neither taken away nor bent.
    torch.testing.assert_close(made[:, 4:6] / made[:, 6:], maps[:, 4:6] / maps[:, 6:])


def test_maps_of_2020_are_scrambled_as_the_official_code_does(seldnet):
    """Two channels and one direction of two bands, by hand.

    The list is a0 b0 a1 b1 | d0 d1 (a and b are channels, d the direction); read as two bands of three maps it is
    a0 b0 a1, then b1 d0 d1.
    """
    maps = torch.tensor([[[[1.0, 2.0]], [[10.0, 20.0]], [[100.0, 200.0]]]])
    made = seldnet.scrambled(maps, levels=2)
    assert made.tolist() == [[[[1.0, 20.0]], [[10.0, 100.0]], [[2.0, 200.0]]]]


def test_statistics_of_2020_are_read_in_its_order(seldnet, tmp_path):
    listed = np.array([1.0, 10, 2, 20, 100, 200])
    np.savez(tmp_path / "s.npz", mean=listed, scale=listed)
    scaler = seldnet.Scaler(3, 2, levels=2)
    seldnet.fill(scaler, tmp_path / "s.npz", 2020)
    assert scaler.mean.tolist() == [[1, 2], [10, 20], [100, 200]]


def test_two_branches_of_2021_are_read_from_the_weights(seldnet):
    case = OFFICIAL["2020 activities and directions"] | {"year": 2021}
    state = weights(case)
    for name, rows in (("fnn_list.1", 36), ("sed_list.1", 12)):
        state |= {f"{name}.{kind}": state[f"{name}.{kind}"][:rows] for kind in ("weight", "bias")}
    _, form = network(seldnet, state, case)
    assert form.branches and form.tracks == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"year": "2019"}, "no baseline of 2019"),
        ({"year": "2023"}, "no weights of its own"),
        ({"audio": "mic"}, "hear FOA"),
        ({"year": "2025", "features": "salsa_lite", "weights": "random"}, "stereo"),
        ({"year": "2021", "audio": "mic", "features": "salsa_lite", "weights": "random"}, "from 2022"),
        ({"year": "2023", "audio": "mic", "features": "logmel_iv", "weights": "random"}, "do not go"),
        ({"size": "64", "weights": "random"}, "in the place of"),
        ({"arch": "attention", "size": "big", "weights": "random"}, "names no sizes"),
        ({"arch": "attention", "size": "8-8", "blocks": "3", "weights": "random"}, "2 blocks"),
        ({"weights": "random", "checkpoint": "x.pt"}, "exclude each other"),
    ],
)
def test_options_that_do_not_go_together(options, said):
    with pytest.raises((ConfigError, CheckpointError), match=said):
        load_adapter("seldnet", options)


def test_missing_statistics_are_asked_for(official_2024):
    with pytest.raises(ConfigError, match="standardises its features") as error:
        load_adapter("seldnet", {"year": "2024", "checkpoint": str(official_2024)})
    assert "scaler=" in str(error.value.hint)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"mean": np.zeros(640), "scale": np.ones(640)}, "statistics of 640 features"),
        ({"mean": np.zeros(448)}, "no statistics"),
        ({"mean": np.zeros(448), "scale": np.zeros(448)}, "above zero"),
        (None, "no statistics"),
    ],
)
def test_statistics_that_do_not_fit(official_2024, tmp_path, arrays, said):
    if arrays is not None:
        np.savez(tmp_path / "s.npz", **arrays)
    else:
        (tmp_path / "s.npz").write_text("nothing")
    options = {"year": "2024", "checkpoint": str(official_2024), "scaler": str(tmp_path / "s.npz")}
    with pytest.raises(ConfigError, match=said):
        start(load_adapter("seldnet", options))


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        (lambda s: s | {"visual_embed_to_d_model.weight": torch.ones(1)}, {}, "video"),
        (lambda s: {"x": torch.ones(1)}, {}, "no weights of a baseline"),
        (lambda s: s | {"fnn_list.2.weight": torch.ones(1)}, {}, "no baseline has"),
        (lambda s: s, {"arch": "attention"}, "have a GRU"),
        (lambda s: {n: w for n, w in s.items() if not n.startswith("gru.")}, {}, "no GRU"),
        (lambda s: s, {"labels": "a,b,c,d,e"}, "156 outputs"),
        (lambda s: s, {"audio": "mic"}, "other shapes"),
    ],
)
def test_weights_that_are_no_others(official_2024, tmp_path, change, options, said):
    torch.save(change(torch.load(official_2024, weights_only=True)), tmp_path / "net.pt")
    options = {"year": "2024", "checkpoint": str(tmp_path / "net.pt"), "scaler": "recording"} | options
    with pytest.raises(CheckpointError, match=said):
        start(load_adapter("seldnet", options))


def test_a_keras_file_is_named(tmp_path):
    (tmp_path / "net.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(CheckpointError, match="HDF5"):
        load_adapter("seldnet", {"year": "2021", "checkpoint": str(tmp_path / "net.h5"), "scaler": "recording"})


def test_weights_with_statistics_need_no_scaler(seldnet, tmp_path):
    model = seldnet.SeldNet.training_model(tuple("ab"), arch="attention", sizes=(8, 16), heads=2)
    save_file(model.state_dict(), tmp_path / "net.safetensors", metadata={"labels": '["a", "b"]', "heads": "2"})
    options = {"arch": "attention", "checkpoint": str(tmp_path / "net.safetensors")}
    adapter = start(load_adapter("seldnet", options))
    assert adapter.card.labels == ("a", "b")
    assert (adapter.plan.sizes, adapter.plan.heads) == ((8, 16), 2)
    with pytest.raises(ConfigError, match="none is missing"):
        load_adapter("seldnet", options | {"scaler": "recording"})


@pytest.fixture(scope="module")
def evaluated() -> list[tuple[np.ndarray, list]]:
    """Scenes of the kind of the evaluation split, whose sources no training scene has."""
    return [localised.scene(0, "2023/fold4", number, STARSS, 5.0, "foa") for number in range(20, 28)]


@pytest.mark.parametrize("arch", ["crnn", "attention"])
def test_embedded_weights_learnt_what_sounds_where(evaluated, arch):
    """Chance hears one frame and class in nine, 90 degrees away; on the whole split see the card of the weights."""
    adapter = start(load_adapter("seldnet", {"arch": arch}))
    assert not adapter.card.trained_with and adapter.card.labels == STARSS
    waves = np.stack([sound.astype(np.float32) / 32768 for sound, _ in evaluated])
    made = adapter.predict(Batch(waves, np.full(len(waves), waves.shape[2]), 24000))
    there, errors, metres = np.zeros((*made.shape[:2], len(STARSS)), bool), [], []
    answers = [decoded(one) for one in made]
    heard = np.zeros_like(there)
    for clip, (answer, (_, plan)) in enumerate(zip(answers, evaluated)):
        heard[clip, answer.frame, answer.label] = True
        for one in plan:
            label = STARSS.index(one.label)
            there[clip, one.first : one.last, label] = True
            for frame in range(one.first, one.last):
                mine = np.flatnonzero((answer.frame == frame) & (answer.label == label))
                if len(mine):
                    places = vectors(answer.azimuth[mine], answer.elevation[mine])
                    place = vectors(one.azimuth[frame - one.first], one.elevation[frame - one.first])
                    errors.append(np.degrees(np.arccos(np.clip(places @ place, -1, 1))).min())
                    metres.append(abs(answer.distance[mine[0]] - one.distance) / one.distance)
    recall, precision = (there & heard).sum() / there.sum(), (there & heard).sum() / heard.sum()
    assert 2 * recall * precision / (recall + precision) > 0.4, (recall, precision)
    assert precision > 3 * there.mean()
    assert np.median(errors) < 20
    assert np.median(metres) < 0.6


def vectors(azimuth, elevation) -> np.ndarray:
    """Unit vectors [..., 3] of directions in degrees."""
    a, e = np.radians(azimuth), np.radians(elevation)
    return np.stack([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)], -1)


def trainer(repository):
    """The script that trains them."""
    path = repository / "adapters" / "training" / "train_seld.py"
    spec = importlib.util.spec_from_file_location("train_seld", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_training_writes_weights_that_the_adapter_loads(repository, tmp_path):
    script = trainer(repository)
    options = ["--arch", "attention", "--scenes", "2", "--epochs", "1", "--batch", "2"]
    files = [script.main([*options, "--out", str(tmp_path / f"{name}.safetensors")]) for name in "ab"]
    assert files[0].read_bytes() != b"" and load_state_dict(files[0]).keys() == load_state_dict(files[1]).keys()
    for name, weight in load_state_dict(files[0]).items():
        assert torch.equal(weight, load_state_dict(files[1])[name]), f"{name} is not the same again"
    adapter = start(load_adapter("seldnet", {"arch": "attention", "checkpoint": str(files[0])}))
    assert adapter.card.trained_on == ("synthetic scenes",) and adapter.card.weight_bits == 16
    assert "attention" in files[0].with_suffix(".md").read_text()
    assert adapter.model.scaler.mean[4:].abs().max() == 0, "directions keep their zero"


def test_loss_gives_each_source_to_the_vector_that_fits_best(repository):
    """Two sources of one class, by hand: the third vector doubles whichever it is nearer to, in any order."""
    script = trainer(repository)
    args = script.arguments(["--out", "x", "--active", "1", "--metres", "1"])
    places, count = torch.zeros(1, 1, 1, 3, 4), torch.tensor([[[2]]])
    places[0, 0, 0, 0], places[0, 0, 0, 1] = torch.tensor([1.0, 0, 0, 2]), torch.tensor([0, 1.0, 0, 3])
    first, second = places[0, 0, 0, :2]
    for order in ([first, second, first], [second, first, second], [first, first, second]):
        given = torch.stack(order)[None, None, :, None]
        assert script.loss_of(given, places, count, args).item() == 0
    # One vector is half a metre off, another not at all, the third: mean of three squares.
    off = torch.stack([first + torch.tensor([0, 0, 0, 0.5]), second, second])[None, None, :, None]
    assert script.loss_of(off, places, count, args).item() == pytest.approx(0.25 / 3)
    silent = torch.full((1, 1, 3, 1, 4), 0.5)
    assert script.loss_of(silent, 0 * places, 0 * count, args).item() == pytest.approx(1.0)
    # All on one source is no way to give two.
    lone = torch.stack([first] * 3)[None, None, :, None]
    assert script.loss_of(lone, places, count, args).item() == pytest.approx((1 + 1 + 1) / 3)


def test_turned_scenes_have_the_maps_of_turned_sound(repository):
    """What training does to maps is what a turn does to the sound: both of a scene and of its labels."""
    script = trainer(repository)
    sound, plan = localised.scene(0, "turned", 1, STARSS, 1.0, "foa")
    waves = torch.from_numpy(sound / 32768.0)[None]
    front = SpatialFeatures("logmel_iv", top_db=None)
    maps, places = front(waves)[0], torch.tensor([[[[0.5, 0.3, 0.1, 2.0]]]])
    seen = set()
    for seed in range(200):
        made, turned = script.turned(maps, places, np.random.Generator(np.random.Philox(seed)))
        x, y, z, metres = turned[0, 0, 0].tolist()
        assert metres == 2.0
        if (x, y, z) in seen:
            continue
        seen.add((x, y, z))
        swapped = abs(x) < abs(y)
        moved = waves[:, [0, 3, 2, 1]] if swapped else waves
        signs = torch.tensor([1.0, math.copysign(1, y), math.copysign(1, z), math.copysign(1, x)])
        # The tiny number that is added to samples does not turn: 3e-4 dB in the lowest band.
        torch.testing.assert_close(made, front(moved * signs[None, :, None].double())[0], rtol=0, atol=1e-3)
    assert len(seen) == 16 and plan


def test_both_kinds_are_run_and_compared_out_of_the_box(tmp_path):
    runs = [
        bb.run("dcase_task3", "seldnet", options={"arch": arch}, limit=4, out=tmp_path / arch, report=False)
        for arch in ("crnn", "attention")
    ]
    for run in runs:
        assert "intensity vectors" in (run.result.model.description or "")
        table = run.figures()
        figures = table[table["cell"].isna()].set_index("metric")["value"]
        assert figures["micro_le_cd"] < 40 and figures["micro_lr_cd"] > 0.3
    table = bb.compare(runs[1], runs[0]).frame()
    assert {"macro_seld", "macro_f20", "micro_le_cd"} <= set(table["metric"])


def test_a_set_of_recordings_is_trained_on(repository, tmp_path):
    script = trainer(repository)
    root = synthetic.ensure("starss23", size="small")
    options = ["--data", str(root), "--epochs", "1", "--out", str(tmp_path / "mine.safetensors")]
    made = script.main(options)
    adapter = start(load_adapter("seldnet", {"checkpoint": str(made)}))
    assert adapter.card.trained_on == ("starss23", "starss23/train")
    assert str(root) not in made.read_bytes().decode("latin-1"), "where the data lay is nobody's business"

"""adapters/passt.py: against numbers of the published implementation, and its checkpoints' ways to be wrong.

The golden numbers come from `models/passt.py` and `models/preprocess.py` of github.com/kkoutini/PaSST (commit of its
main branch in 2025), run in float32 with torchaudio 2.9's Kaldi filter bank. To make them again: build the published
`PaSST(img_size=(128, frames), patch_size=16, stride=stride, in_chans=1, num_classes=4, embed_dim=24, depth=2,
num_heads=3, distilled=True)`, fill it with `closed_form`, and give it `AugmentMelSTFT(fmin_aug_range=10,
fmax_aug_range=2000).eval()` of `chirp(seconds)`. The parameter counts are those of its `get_model`.
"""

import importlib.util
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed.adapter.load import load_adapter
from benchbed.errors import BenchbedWarning, CheckpointError, ConfigError
from benchbed.rng import preserved_global_state, stream
from benchbed.types import Batch


@pytest.fixture(scope="module")
def passt(repository):
    spec = importlib.util.spec_from_file_location("passt_under_test", repository / "adapters" / "passt.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tiny(passt):
    adapter = passt.Passt()
    adapter.load("cpu")
    return adapter


def chirp(seconds):
    n = np.arange(round(seconds * 32000))
    t = n / 32000
    wave = 0.3 * np.sin(2 * np.pi * (150 * t + 2500 * t**2)) + 0.1 * np.sin(0.001 * n**2)
    return torch.from_numpy(wave.astype(np.float32))[None, None]


def closed_form(model):
    """Weights from a formula; those of norms lie around 1."""
    state = model.state_dict()
    for k, name in enumerate(sorted(state)):
        norm = ("norm" in name and "weight" in name) or name == "head.0.weight"
        values = 0.4 * np.sin(0.01 * np.arange(state[name].numel()) ** 2 + k) + norm
        state[name] = torch.from_numpy(values.astype(np.float32)).reshape(state[name].shape)
    model.load_state_dict(state)
    return model.eval()


def batch(*waveforms):
    lengths = np.array([len(w) for w in waveforms])
    padded = np.zeros((len(waveforms), 1, lengths.max()), np.float32)
    for row, wave in zip(padded, waveforms, strict=True):
        row[0, : len(wave)] = wave
    return Batch(padded, lengths, 32000)


def noise(samples, clip=0):
    return stream("passt test", clip).normal(0, 0.1, samples).astype(np.float32)


def save(passt, path, classes=3, arch="tiny", wrap=lambda state: state):
    """A checkpoint with random weights; the state dict."""
    with preserved_global_state(5):
        state = passt.Passt.training_model(tuple("abcdefgh"[:classes]), arch=arch).net.state_dict()
    torch.save(wrap(state), path)
    return state


def test_front_end_gives_the_published_log_mel(passt):
    mel = passt.MelSpectrogram(320)(chirp(1.0))[0]
    published = {
        0: (0.47541, -1.402572, -0.724505),
        20: (0.034047, -1.402424, 0.083222),
        64: (0.846887, -1.306129, 1.237422),
        127: (-1.389421, -1.402561, -0.409663),
    }
    assert mel.shape == (128, 100)
    for band, values in published.items():
        assert mel[band, [0, 37, 99]].tolist() == pytest.approx(values, abs=3e-5)
    assert mel.mean().item() == pytest.approx(-0.34691864, abs=1e-6)


@pytest.mark.parametrize(
    "stride, frames, seconds, logits, embedding",
    [
        (10, 200, 1.0, (-3.9234350, 0.1217212, -4.4497027, -2.2936416), (-0.1721496, 0.3312140, 1.6132345)),
        (10, 200, 2.5, (-1.1983820, -0.0257817, -3.5092292, -2.1389682), (-1.3752904, -0.2245748, 2.0317576)),
        (16, 100, 1.0, (-2.4732153, 0.1412670, -5.3049169, -2.4114830), (-0.5273126, -0.1059179, 1.5141978)),
        (16, 100, 2.5, (-2.4732153, 0.1412670, -5.3049169, -2.4114830), (-0.5273126, -0.1059179, 1.5141978)),
    ],
)
def test_network_gives_the_published_logits(passt, stride, frames, seconds, logits, embedding):
    arch = passt.Arch(dim=24, depth=2, heads=3, stride=stride, frames=frames)
    net = closed_form(passt.PaSST(arch, 4))
    with torch.inference_mode():
        mel = passt.MelSpectrogram(320)(chirp(seconds))
        assert net(mel)[0].tolist() == pytest.approx(logits, abs=1e-4)
        assert net.embed(mel)[0, :3].tolist() == pytest.approx(embedding, abs=1e-4)


@pytest.mark.parametrize(
    "arch, parameters, grid",
    [
        ("passt_s", 86_153_758, (12, 99)),
        ("passt_s_s12", 86_139_934, (10, 83)),
        ("passt_s_s14", 86_129_950, (9, 71)),
        ("passt_s_s16", 86_122_270, (8, 62)),
        ("passt_l", 50_714_398, (12, 99)),
    ],
)
def test_sizes_are_the_published_ones(passt, arch, parameters, grid):
    with torch.device("meta"):
        net = passt.PaSST(passt.ARCHS[arch], 527)
        patches = net.patch_embed.proj(torch.empty(1, 1, 128, 998))
    assert sum(p.numel() for p in net.parameters()) == parameters
    assert (net.freq_new_pos_embed.shape[2], net.time_new_pos_embed.shape[3]) == grid
    # The position grid is the integer quotient of sizes; stride 12 leaves its last column for 1,000 frames.
    assert tuple(patches.shape[2:]) == ((10, 82) if arch == "passt_s_s12" else grid)


def test_patchout_drops_what_it_says_in_training_only(passt):
    # 108 patches of a 128 × 100 input at stride 10, 54 after six rows: Piovesan 2024, Table 5.6.
    seen = []
    options = {"s_patchout_f": 6, "u_patchout": 4}
    model = passt.Passt.training_model(("a", "b"), **options)
    model.net.blocks[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[1] - 2))
    before = torch.get_rng_state()
    model.train()(chirp(1.0))
    model.eval()(chirp(1.0))
    assert seen == [54 - 4, 108]
    assert torch.equal(before, torch.get_rng_state())
    columns = passt.Passt.training_model(("a", "b"), s_patchout_t=3)
    columns.net.blocks[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[1] - 2))
    columns.train()(chirp(1.0))
    assert seen[-1] == 12 * 6


def test_embedded_weights_know_the_synthetic_scenes(tiny, tmp_path):
    from benchbed import audio
    from benchbed.data import synthetic
    from benchbed.data.layouts import tau2022

    data = tau2022.read(synthetic.make(tmp_path / "tau", size="small"))
    table = data.select("test")
    waves = [audio.resample(*audio.read(data.root / path)[:2], 32000)[0] for path in table.path]
    found = tiny.predict(batch(*waves)).argmax(1)
    truth = np.array([tiny.card.labels.index(label) for label in table.label])
    assert set(tiny.card.labels) == set(data.labels)
    assert (found == truth).mean() > 0.35  # chance is 0.1
    assert tiny.checkpoint.stat().st_size < 1_000_000
    assert (tiny.card.clip_seconds, tiny.card.weight_bits) == (1.0, 16)
    assert tiny.card.trained_on == (data.name,)


def test_predict_is_forward_and_a_batch_is_its_clips(tiny):
    waves = [noise(32000, 1), noise(20000, 2), noise(32000, 3), noise(100, 4), noise(1, 5)]
    together = tiny.predict(batch(*waves))
    for row, wave in zip(together, waves, strict=True):
        alone = tiny.predict(batch(wave))[0]
        with torch.no_grad():
            direct = tiny.forward(torch.from_numpy(wave)[None, None])[0].numpy()
        np.testing.assert_allclose(alone, row, atol=1e-5)
        np.testing.assert_allclose(direct, row, atol=1e-5)


def test_gradients_reach_the_waveform_and_are_finite_even_in_silence(tiny):
    for wave in (torch.from_numpy(noise(32000))[None, None], torch.zeros(1, 1, 32000)):
        wave = wave.clone().requires_grad_()
        with torch.enable_grad():
            tiny.forward(wave).square().sum().backward()
        assert torch.isfinite(wave.grad).all()
    wave = torch.from_numpy(noise(32000))[None, None].requires_grad_()
    tiny.forward(wave)[0, 0].backward()
    assert wave.grad.abs().max() > 0


@settings(max_examples=20, deadline=None)
@given(samples=st.integers(1, 40000))
def test_every_length_gives_finite_scores(tiny, samples):
    scores = tiny.predict(batch(noise(samples)))
    assert scores.shape == (1, 10)
    assert np.isfinite(scores).all()


def test_of_a_long_clip_the_trained_length_counts_and_is_told(passt, tmp_path):
    save(passt, tmp_path / "net.pt")
    adapter = load_adapter(str(passt.__file__), {"checkpoint": str(tmp_path / "net.pt"), "labels": "a,b,c"}).adapter
    adapter.load()
    assert adapter.card.clip_seconds is None
    wave = noise(64000)
    with pytest.warns(BenchbedWarning, match="hears the first 1 s"):
        whole = adapter.predict(batch(wave))
    # The ten columns of the time embedding end after 106 frames.
    frames = 9 * 10 + 16
    start = adapter.predict(batch(wave[: frames * 320 + 512]))
    np.testing.assert_allclose(whole, start, atol=1e-5)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {f"net.{k}": v for k, v in state.items()},
        lambda state: {"state_dict": {f"module.net._orig_mod.{k}": v for k, v in state.items()}, "epoch": 3},
        lambda state: {
            **{f"net.{k}": v + 1 for k, v in state.items()},
            **{f"net_swa.{k}": v for k, v in state.items()},
            "device_proxy": torch.zeros(1),
        },
        lambda state: {k: v.half().float() for k, v in state.items()},
    ],
)
def test_checkpoints_are_found_under_their_wrappings(passt, tmp_path, wrap):
    state = save(passt, tmp_path / "net.pt", wrap=wrap)
    with pytest.warns(BenchbedWarning, match="3 classes"):
        adapter = passt.Passt(checkpoint=tmp_path / "net.pt")
    adapter.load()
    assert adapter.card.labels == ("0", "1", "2")
    assert adapter.weights() == [tmp_path / "net.pt"]
    torch.testing.assert_close(adapter.model.net.head[1].weight, state["head.1.weight"], atol=1e-4, rtol=1e-3)


def test_missing_official_weights_are_answered_with_what_to_download(passt):
    with pytest.raises(CheckpointError) as raised:
        passt.Passt(arch="passt_s")
    assert "v0.0.1-audioset/passt-s-f128-p16-s10-ap.476-swa.pt" in raised.value.hint
    assert raised.value.where.endswith("passt-s-f128-p16-s10-ap.476-swa.pt")
    with pytest.raises(CheckpointError, match=r"passt-s-f128-p16-s16-ap\.473-swa\.pt"):
        passt.Passt(arch="passt_s_s16", checkpoint="nowhere.pt")
    with pytest.raises(CheckpointError):
        passt.Passt(checkpoint="nowhere.pt")


def test_weights_that_do_not_fit_are_refused(passt, tmp_path):
    path = tmp_path / "net.pt"
    state = save(passt, path)
    with pytest.raises(CheckpointError, match="3 classes, not 10"):
        passt.Passt(checkpoint=path, classes=10, labels="a,b,c")
    with pytest.raises(CheckpointError, match="fits arch=passt_s_s16"):
        wrong = {**state, "freq_new_pos_embed": torch.zeros(1, 96, 8, 1)}
        torch.save(wrong, path)
        passt.Passt(checkpoint=path)
    for lacking, match in (("head.1.weight", "no PaSST with its head"), ("cls_token", "no PaSST with its head")):
        torch.save({k: v for k, v in state.items() if k != lacking}, path)
        with pytest.raises(CheckpointError, match=match):
            passt.Passt(checkpoint=path)
    torch.save({k: v for k, v in state.items() if "blocks.3" not in k}, path)
    with pytest.raises(CheckpointError, match=r"12 missing: blocks\.3\."):
        passt.Passt(checkpoint=path, labels="a,b,c").load()
    torch.save(state, path)
    with pytest.raises(CheckpointError, match="does not fit"):
        passt.Passt(arch="passt_l", checkpoint=path, labels="a,b,c").load()
    torch.save(torch.nn.Linear(1, 1), path)
    with pytest.raises(CheckpointError, match="runs code"):
        passt.Passt(checkpoint=path)
    path.write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(CheckpointError):
        passt.Passt(checkpoint=path)


def test_audioset_labels_and_their_map_come_from_files(passt, tmp_path):
    path = tmp_path / "net.pt"
    save(passt, path)
    csv = tmp_path / "class_labels_indices.csv"
    csv.write_text('index,mid,display_name\n0,/m/0,"Bird, song"\n1,/m/1,Rain\n2,/m/2,Dog\n')
    (tmp_path / "map.yaml").write_text("dog: Dog\nnature: ['Bird, song', Rain]\n")
    loaded = load_adapter(
        str(passt.__file__),
        {"checkpoint": str(path), "labels": str(csv), "label_map": str(tmp_path / "map.yaml"), "output": "tags"},
    )
    assert loaded.card.labels == ("Bird, song", "Rain", "Dog")
    assert loaded.card.label_map == {"dog": ("Dog",), "nature": ("Bird, song", "Rain")}
    assert loaded.card.output == "tags"
    (tmp_path / "map.yaml").write_text("dog: Dgo\n")
    with pytest.raises(ConfigError, match="Dgo"):
        passt.Passt(checkpoint=path, labels=csv, label_map=tmp_path / "map.yaml")
    with pytest.raises(ConfigError, match="2 labels for 3 classes"):
        passt.Passt(checkpoint=path, labels="a,b")


def test_options_that_mean_nothing_are_refused(passt):
    with pytest.raises(ConfigError, match="did you mean 'passt_s'"):
        passt.Passt(arch="past_s")

"""Models of the literature that were never published with weights: parameters and operations of the sources' tables,
and outputs beside other implementations with the same weights."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchbed.adapter.load import load_adapter, start
from benchbed.errors import ConfigError
from benchbed.types import Batch


@pytest.fixture(scope="module")
def file_of(repository):
    def made(name: str):
        spec = importlib.util.spec_from_file_location(f"lit_{name}", repository / "adapters" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module

    return made


def parameters(net: torch.nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def products(net: torch.nn.Module, *shape: int) -> float:
    net = net.to("meta").eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(torch.zeros(shape, device="meta"))
    return counter.get_total_flops() / 2


def test_families_of_audioset_have_their_counts(file_of):
    """ResNet50 is exact. The transformer's widths are not stated (28.5 M). With eight layers of the authors' block
    (lijuncheng16/AudioTaggingDoneRight 15af41d, `Transformer`: twice as many features inside, attention pooling) width
    E has 64 E² + 1,209 E + 1,054 parameters, and the widths that eight heads divide give 27.7 (648), 28.3 (656) and
    29.0 (664): none gives 28.5. A table of positions is no parameter there; with the 632 classes that the source names
    elsewhere 656 features would give 28.5. The nearest width stands, and the README says that widths are not stated.
    The Conformer's 88.1 M follow from inner layers of 1,024 and 15 frames."""
    families = file_of("audioset_families")
    with torch.device("meta"):
        assert parameters(families.ResNet50(527)) == 25_661_406
        assert parameters(families.FrameTransformer(527)) == 28_335_662
        for width, millions in ((648, 27.7), (656, 28.3), (664, 29.0)):
            made = parameters(families.FrameTransformer(527, dim=width))
            assert made == 64 * width**2 + 1209 * width + 1054 and round(made / 1e6, 1) == millions
        assert round(parameters(families.FrameTransformer(632)) / 1e6, 1) == 28.5
        assert round(parameters(families.Conformer(527)) / 1e6, 1) == 88.1


def test_resnet_is_that_of_transformers(file_of):
    """The body of ResNet-50 with the same weights in transformers' own implementation."""
    file_of("ast")  # it hides a torchvision that does not fit torch
    from transformers import ResNetConfig, ResNetModel

    torch.manual_seed(0)
    ours = file_of("audioset_families").ResNet50(3).eval()
    config = ResNetConfig(num_channels=1, layer_type="bottleneck", downsample_in_bottleneck=False)
    theirs = ResNetModel(config).eval()
    own = {k: v for k, v in ours.state_dict().items() if not k.startswith("pooling")}
    names = list(theirs.state_dict())
    # Both list a block's shortcut at another place, so pieces are matched by what they are.
    moved = {}
    for key, value in own.items():
        layer, *rest = key.split(".")
        kind = rest[-1]
        if layer in ("conv1", "bn1"):
            place = f"embedder.embedder.{'convolution' if layer == 'conv1' else 'normalization'}.{kind}"
        else:
            part = rest[1]
            inner = (
                f"shortcut.{'convolution' if rest[2] == '0' else 'normalization'}"
                if part == "downsample"
                else f"layer.{int(part[-1]) - 1}.{'convolution' if part.startswith('conv') else 'normalization'}"
            )
            place = f"encoder.stages.{int(layer[-1]) - 1}.layers.{rest[0]}.{inner}.{kind}"
        moved[place] = value
    assert set(moved) == set(names)
    theirs.load_state_dict(moved)
    image = torch.randn(1, 1, 64, 96)
    with torch.no_grad():
        wanted = theirs(image).last_hidden_state
        x = torch.nn.functional.max_pool2d(torch.relu(ours.bn1(ours.conv1(image))), 3, 2, 1)
        found = ours.layer4(ours.layer3(ours.layer2(ours.layer1(x))))
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("part", "count", "stated"), [("dnn", 691_729, 0.7), ("rnn", 6_522_101, 6.5), ("cnn", 28_497_425, 28.5)]
)
def test_instance_learners_have_the_size_that_is_stated(file_of, part, count, stated):
    """700 K, 6.5 M and 29 M as stated; of the last the pooled size is not, and 5 × 6 gives 28.5 M."""
    mil = file_of("mil")
    net = {"dnn": mil.BagDnn, "rnn": mil.BagRnn, "cnn": mil.InstanceCnn}[part](17)
    assert parameters(net) == count and round(count / 1e6, 1) == stated


def test_the_best_instance_speaks_for_a_clip(file_of):
    torch.manual_seed(0)
    net = file_of("mil").MilNetwork(3, "cnn").eval()
    seconds = 0.1 * torch.randn(1, 1, 48000)
    with torch.no_grad():
        alone = torch.stack([net(seconds[..., i : i + 16000]) for i in range(0, 48000, 16000)])
        torch.testing.assert_close(net(seconds), alone.amax(0), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("size", "count"), [("small", 21_596_303), ("base", 85_659_407), ("large", 303_115_791)])
def test_audio_mae_has_its_counts(file_of, size, count):
    """Base is the golden row; small and large are stated as 22 M and 304 M with ImageNet's heads. Beside the authors'
    code (facebookresearch/AudioMAE bd60e29, models_vit.py with its own positions, over timm 0.4.5) with the same random
    weights on two images of 1,024 × 128, the logits of all three sizes and the positions are the same to the last bit
    (largest difference 0)."""
    with torch.device("meta"):
        assert parameters(file_of("audio_mae").MaskedEncoder(527, size)) == count


def test_audio_mae_is_the_vision_transformer_of_transformers(file_of):
    """Blocks with the same weights in transformers' ViT."""
    file_of("ast")  # it hides a torchvision that does not fit torch
    from transformers import ViTConfig, ViTModel

    torch.manual_seed(0)
    mae = file_of("audio_mae")
    ours = mae.MaskedEncoder(3, "small", (4, 8)).eval()
    config = ViTConfig(
        hidden_size=384,
        num_hidden_layers=12,
        num_attention_heads=6,
        intermediate_size=1536,
        image_size=(64, 128),
        patch_size=16,
        num_channels=1,
        layer_norm_eps=1e-6,
    )
    theirs = ViTModel(config, add_pooling_layer=False).eval()
    state = ours.state_dict()
    with torch.no_grad():
        theirs.embeddings.cls_token.copy_(state["cls_token"])
        theirs.embeddings.position_embeddings.copy_(state["pos_embed"])
        theirs.embeddings.patch_embeddings.projection.load_state_dict(ours.patch_embed.proj.state_dict())
        theirs.layernorm.load_state_dict(ours.fc_norm.state_dict())
        image = torch.randn(1, 1, 64, 128)
        embedded = theirs.embeddings(image)
        first = (ours.cls_token + ours.pos_embed[:, :1]).expand(1, -1, -1)
        x = ours.patch_embed.proj(image).flatten(2).transpose(1, 2) + ours.pos_embed[:, 1:]
        torch.testing.assert_close(torch.cat((first, x), 1), embedded)


def test_fixed_positions_are_sines(file_of):
    """Written out: feature k of the first half is sin(column / 10000^(k/(d/4))), of the second the same of the row."""
    found = file_of("audio_mae").sines(16, (3, 2))
    assert found.shape == (7, 16) and not found[0].any()
    row, column = 2, 1
    wanted = [f(p / 10000 ** (k / 4)) for p in (column, row) for f in (np.sin, np.cos) for k in range(4)]
    np.testing.assert_allclose(found[1 + row * 2 + column], wanted, atol=1e-6)


def test_local_attention_stays_in_its_window(file_of):
    mae = file_of("audio_mae")
    torch.manual_seed(0)
    for shift in (0, 2):
        block = mae.LocalBlock(16, 2, 4, shift).eval()
        x = torch.randn(1, 8, 8, 16)
        other = x.clone()
        other[0, shift, shift] += torch.randn(16)
        with torch.no_grad():
            moved = (block(x) - block(other)).abs().amax(-1)[0] > 1e-7
        inside = torch.zeros(8, 8, dtype=torch.bool)
        inside[shift : shift + 4, shift : shift + 4] = True
        assert (moved == inside).all()


@pytest.mark.parametrize("kind", ["local", "global", "hybrid"])
def test_the_decoder_fills_in_every_patch(file_of, kind):
    decoder = file_of("audio_mae").Decoder(kind).eval()
    with torch.no_grad():
        assert decoder(torch.randn(1, 3, 768), torch.tensor([0, 7, 100])).shape == (1, 512, 256)


@pytest.mark.parametrize(
    ("size", "encoder", "expander", "whole"),
    [("base", 85_451_520, 36_724_736, 122_176_256), ("small", 21_492_096, 35_151_872, 56_643_968)],
)
def test_vcr_ast_has_its_counts(file_of, size, encoder, expander, whole):
    ssast = file_of("ssast")
    with torch.device("meta"):
        net = ssast.SelfSupervisedEncoder("vcr_ast", size, "patch", (16, 16), 512)
        head = ssast.Expander(ssast.SIZES[size][0])
    assert (parameters(net), parameters(head)) == (encoder, expander) and encoder + expander == whole
    assert parameters(ssast.Expander(384, 1024)) + 0 == 384 * 1024 + 1024 + 4096 + 1024 * 1024 + 1024 + 1024 * 1024
    assert parameters(ssast.Expander(768, 1024)) == 2_889_728


def test_ssast_is_the_published_one(file_of, repository):
    """Tokens, positions and the mean over patches as YuanGongND/ssast a1a3eec (ast_models.py) has them, written out.
    Beside that code (over timm 0.4.5, `ft_avgtok`) with the same random weights on two clips of 256 frames the logits
    of tiny, small and base are the same to the last bit (largest difference 0): patches of 16 × 16 ten and sixteen
    apart, and frames of 128 × 2 one and two apart."""
    torch.manual_seed(0)
    net = file_of("ssast").SelfSupervisedNetwork(4, "ssast", "tiny", "frame", (128, 2), 20, -4.0, 4.0).eval()
    mel = torch.randn(1, 128, 20)
    with torch.no_grad():
        x = net.v.patch_embed.proj(((mel + 4) / 8)[:, None]).flatten(2).transpose(1, 2)
        assert x.shape == (1, 10, 192)
        x = torch.cat((net.v.cls_token, net.v.dist_token, x), 1) + net.v.pos_embed
        x = net.v.norm(net.v.blocks(x))
        wanted = net.mlp_head(x[:, 2:].mean(1))
        torch.testing.assert_close(net.classify(mel), wanted)


def test_small_ast_has_its_counts(file_of):
    """AST tiny with 200 classes: 512 patches, and with overlap 1,212."""
    ast = file_of("ast")
    for stride, count, macs in ((16, 5_526_152, 3.97e9), (10, None, 13.30e9)):
        with torch.device("meta"):
            net = ast.network(ast.config_of(200, stride, 1024, 128, **ast.SIZES["tiny"], attn_implementation="eager"))
        assert count is None or parameters(net) == count
        assert products(net, 1, 1024, 128) == pytest.approx(macs, rel=5e-3)


@pytest.mark.parametrize("rho", [0, 5, 9, 15])
def test_the_receptive_field_follows_rho(file_of, rho):
    """With the official class and the same random weights outputs are equal (kkoutini/cpjku_dcase20 792ab5d, rho 0
    to 9, 12, 15 and 22: largest difference 0); here the field is measured by what reaches one decision."""
    cp = file_of("cp_resnet")
    net = cp.CpResNet(2, rho).double().eval()
    for module in net.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.constant_(module.weight, 1.0 / module.weight[0].numel())
    for stage in (net.stage1, net.stage2, net.stage3):
        for name, module in stage.named_children():
            if isinstance(module, torch.nn.MaxPool2d):
                # A maximum lets one of its four inputs through, a mean all of them.
                setattr(stage, name, torch.nn.AvgPool2d(2))
    # Without the mean over the clip: what one place sees.
    body = torch.nn.Sequential(net.in_c, net.stage1, net.stage2, net.stage3)
    image = torch.rand(1, 1, 800, 64, dtype=torch.float64, requires_grad=True)
    body(image)[0, :, 25, 1].sum().backward()
    rows = torch.nonzero(image.grad.abs().sum((0, 1, 3)) > 0).flatten()
    seen = int(rows.max() - rows.min()) + 1
    # By hand: each layer adds (kernel − 1) · jump, poolings double the jump.
    jump, field = 2, 5
    for number, size in enumerate(cp.kernels_of(rho)):
        field += (size - 1) * jump
        if number in (1, 3, 7):
            field, jump = field + jump, 2 * jump
    assert seen == field


def test_published_cp_resnet_has_two_channels(file_of):
    assert parameters(file_of("cp_resnet").CpResNet(10, 5, 2)) == 3_566_612


@pytest.mark.parametrize("name", ["audioset_families", "mil", "audio_mae", "ssast", "cp_resnet"])
def test_wrong_options_are_one_clear_error(repository, name):
    bad = {
        "audioset_families": {"arch": "resnet18"},
        "mil": {"arch": "svm"},
        "audio_mae": {"size": "huge"},
        "ssast": {"stride": "3"},
        "cp_resnet": {"rho": "40"},
    }[name]
    with pytest.raises(ConfigError):
        load_adapter(str(repository / "adapters" / f"{name}.py"), {**bad, "weights": "random"})


@pytest.mark.parametrize(
    ("name", "options"),
    [("mil", {"arch": "dnn"}), ("ssast", {"size": "tiny", "frames": "128"}), ("cp_resnet", {"width": "16"})],
)
def test_random_weights_answer_but_are_not_scored(repository, name, options):
    loaded = load_adapter(str(repository / "adapters" / f"{name}.py"), {**options, "weights": "random"})
    start(loaded)
    rate = loaded.card.sample_rate
    noise = 0.1 * np.random.default_rng(0).standard_normal((2, 1, 2 * rate)).astype(np.float32)
    scores = loaded.adapter.predict(Batch(noise, np.full(2, 2 * rate), rate))
    assert loaded.card.untrained and scores.shape == (2, len(loaded.card.labels)) and np.isfinite(scores).all()


def test_the_baseline_of_dcase_2022_has_its_counts(file_of):
    """The published 46,512 are bytes of the 8-bit graph: 45,816 weights and 174 biases of four bytes. The organisers
    state 29.23 M operations; the products alone are 29.20 M, as `count_tflite` says of their file, too.

    With its weights read out (marmoi/dcase2022_task1_baseline e3aefd6) the first two layers and their pooling differ
    from the graph by at most 0.072 and 0.071, two and three and a half steps of 8 bits. Its third layer saturates at
    1.365 on such noise, beyond what it was calibrated for, which floating point does not.
    """
    net = file_of("dcase2022").SceneBaseline(10).eval()
    biases = sum(p.numel() for name, p in net.named_parameters() if name.endswith("bias"))
    assert (parameters(net), biases) == (45_990, 174)
    assert parameters(net) - biases + 4 * biases == 46_512
    assert products(net, 1, 1, 40, 51) == 29_203_560

"""Files of weights: what they really are, what is refused and why, and that nothing is loaded in part."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import safetensors.torch
import torch

from benchbed.adapter.checkpoint import (
    TRUST_VARIABLE,
    fit_state_dict,
    load_state_dict,
    read_metadata,
    trusted,
    trusting,
)
from benchbed.errors import CheckpointError

STATE = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.ones(2)}


class Evil:
    """Its pickle writes a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def refusal(path, **options) -> CheckpointError:
    with pytest.raises(CheckpointError) as caught:
        load_state_dict(path, **options)
    assert caught.value.where == str(path)
    return caught.value


def same(state):
    assert set(state) == set(STATE)
    assert all(torch.equal(state[name], STATE[name]) for name in STATE)


@pytest.mark.parametrize("name", ["net.pt", "net.pth", "net.ckpt", "weights"])
@pytest.mark.parametrize("zipped", [True, False])
def test_torch_files_of_both_formats_under_any_torch_name(tmp_path, name, zipped):
    torch.save(OrderedDict(STATE), tmp_path / name, _use_new_zipfile_serialization=zipped)
    same(load_state_dict(tmp_path / name))


def test_safetensors_and_their_metadata_under_any_name(tmp_path):
    path = tmp_path / "net.bin"
    safetensors.torch.save_file(STATE, path, metadata={"labels": "a,b"})
    same(load_state_dict(path))
    assert read_metadata(path) == {"labels": "a,b"}


@pytest.mark.parametrize("wrapper", ["state_dict", "model", "whatever"])
def test_wrapped_state_dict_is_found(tmp_path, wrapper):
    torch.save({wrapper: STATE, "epoch": 3, "optimizer": {"state": {}, "param_groups": []}}, tmp_path / "a.pt")
    same(load_state_dict(tmp_path / "a.pt"))


def test_several_state_dicts_must_be_chosen_from(tmp_path):
    path = tmp_path / "a.pt"
    torch.save({"model": {"weight": torch.zeros(1)}, "ema": STATE}, path)
    assert "several state dicts: model, ema" in refusal(path).what
    same(load_state_dict(path, key="ema"))
    assert "did you mean 'ema'?" in refusal(path, key="emma").hint


def test_pickle_with_code_is_refused_and_its_code_not_run(tmp_path):
    path, trace = tmp_path / "evil.pt", tmp_path / "trace"
    torch.save({"state_dict": STATE, "extra": Evil(trace)}, path)
    error = refusal(path)
    assert "runs code" in error.what and "open" in error.what
    assert "--trust-checkpoint" in error.hint
    assert not trace.exists()


def test_plain_pickle_is_refused_too(tmp_path):
    path, trace = tmp_path / "evil.pth", tmp_path / "trace"
    path.write_bytes(pickle.dumps(Evil(trace)))
    assert "runs code" in refusal(path).what
    assert not trace.exists()


def test_trust_is_explicit_by_block_or_by_environment(tmp_path, monkeypatch):
    path = tmp_path / "a.pt"
    torch.save({"state_dict": STATE, "when": np.datetime64("2024-01-01")}, path)
    refusal(path)
    same(load_state_dict(path, trust=True))
    with trusting():
        assert trusted()
        same(load_state_dict(path))
    monkeypatch.setenv(TRUST_VARIABLE, "1")
    same(load_state_dict(path))
    with trusting(False):
        refusal(path)


def test_trusted_whole_model_gives_its_weights(tmp_path):
    torch.save(torch.nn.Linear(3, 2), tmp_path / "a.pt")
    assert "Linear" in refusal(tmp_path / "a.pt").what
    assert set(load_state_dict(tmp_path / "a.pt", trust=True)) == {"weight", "bias"}


def test_trusted_pickle_of_unknown_code(tmp_path):
    path = tmp_path / "a.pt"
    path.write_bytes(b"\x80\x02cno_such_module\nNet\n)\x81.")
    assert "no_such_module" in refusal(path, trust=True).what


@pytest.mark.parametrize("zipped", [True, False])
def test_torch_file_named_h5(tmp_path, zipped):
    path = tmp_path / "model.h5"
    torch.save(STATE, path, _use_new_zipfile_serialization=zipped)
    error = refusal(path)
    assert "is a torch file, not what its ending .h5 says" in error.what
    assert "model.pt" in error.hint


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n", "git-lfs pointer"),
        (b"\n<!DOCTYPE html><html><body>Sign in</body></html>", "a web page"),
        (b"<?xml version='1.0'?><Error/>", "an XML page"),
        (b"\x89HDF\r\n\x1a\n" + bytes(40), "an HDF5 file"),
        (b"\x1f\x8b\x08" + bytes(40), "a gzip archive"),
        (b"\x1c\x00\x00\x00TFL3" + bytes(40), "a TensorFlow Lite model"),
        (b"\x93NUMPY\x01\x00", "a numpy array"),
        (b"\x08\x07\x12\x07pytorch" + bytes(40), "neither safetensors nor a torch file"),
        (b"PK\x03\x04" + bytes(60), "is truncated"),
        (b"\x80\x02}q\x00(X\x10\x00\x00", "is truncated"),
        (b"\x40\x00\x00\x00\x00\x00\x00\x00{", "is truncated"),
        (b"\x01\x00\x00\x00\x00\x00\x00\x00{", "damaged safetensors header"),
    ],
)
def test_other_files_are_called_what_they_are(tmp_path, content, words):
    path = tmp_path / "model.pth"
    path.write_bytes(content)
    assert words in refusal(path).what


def test_real_hdf5_magic_under_its_own_name(tmp_path):
    path = tmp_path / "weights.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(40))
    error = refusal(path)
    assert "HDF5" in error.what and "safetensors" in error.hint


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        ({"model.weights.h5": b""}, "a Keras model"),
        ({"w.npy": b""}, "a numpy archive"),
        ({"readme.txt": b""}, "without torch weights"),
        ({"m/data.pkl": b"", "m/code/m.py": b""}, "TorchScript"),
    ],
)
def test_other_archives(tmp_path, inside, words):
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in inside.items():
            archive.writestr(name, content)
    assert words in refusal(path).what


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_truncated_torch_file(tmp_path, zipped, share):
    path = tmp_path / "a.pt"
    torch.save({"w": torch.randn(100)}, path, _use_new_zipfile_serialization=zipped)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "truncated" in refusal(path).what


def test_truncated_safetensors(tmp_path):
    path = tmp_path / "a.safetensors"
    safetensors.torch.save_file(STATE, path)
    path.write_bytes(path.read_bytes()[:-4])
    assert "is truncated" in refusal(path).what


def test_missing_file_and_folder(tmp_path):
    (tmp_path / "model.pt").write_bytes(b"x")
    assert "did you mean 'model.pt'?" in refusal(tmp_path / "modle.pt").hint
    assert "model.pt" in refusal(tmp_path).hint


def test_no_state_dict_inside(tmp_path):
    torch.save({"epoch": 3, "loss": [1.0]}, tmp_path / "a.pt")
    assert "no state dict; its entries are: epoch, loss" in refusal(tmp_path / "a.pt").what
    torch.save([1, 2], tmp_path / "b.pt")
    assert "holds list" in refusal(tmp_path / "b.pt").what


def test_weights_that_are_not_finite(tmp_path):
    torch.save({"good": torch.ones(1), "bad": torch.tensor([1.0, float("nan")])}, tmp_path / "a.pt")
    assert "NaN or infinite: bad" in refusal(tmp_path / "a.pt").what


def test_metadata_of_a_torch_file(tmp_path):
    torch.save(STATE, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match="only safetensors"):
        read_metadata(tmp_path / "a.pt")


def network() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2))


@pytest.mark.parametrize("prefix", ["", "module.", "model.", "model.net.", "module.model."])
def test_prefixes_of_wrappers_are_taken_off(prefix):
    source, target = network(), network()
    fit_state_dict(target, {prefix + name: tensor for name, tensor in source.state_dict().items()})
    assert all(torch.equal(a, b) for a, b in zip(source.state_dict().values(), target.state_dict().values()))


def test_missing_unexpected_and_reshaped_are_all_listed():
    state = dict(network().state_dict())
    state["extra.weight"] = state.pop("0.weight")
    state["2.weight"] = torch.zeros(5, 4)
    with pytest.raises(CheckpointError) as caught:
        fit_state_dict(network(), state, where="a.pt")
    assert "1 missing: 0.weight" in caught.value.what
    assert "1 unexpected: extra.weight" in caught.value.what
    assert "2.weight: file [5, 4], model [2, 4]" in caught.value.what
    assert caught.value.where == "a.pt"


def test_long_lists_are_shortened_with_a_count():
    with pytest.raises(CheckpointError, match=r"8 missing: .* and 4 more; 9 unexpected: x0, x1, x2, x3 and 5 more"):
        fit_state_dict(network(), {f"x{index}": torch.zeros(1) for index in range(9)})


def test_head_of_another_class_set_is_recognised():
    state = dict(network().state_dict())
    state.update({"2.weight": torch.zeros(527, 4), "2.bias": torch.zeros(527)})
    with pytest.raises(CheckpointError) as caught:
        fit_state_dict(network(), state)
    assert "527 outputs where the model has 2" in caught.value.hint


def test_failed_fit_leaves_the_model_as_it_was():
    model = network()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(CheckpointError):
        fit_state_dict(model, {"0.weight": torch.zeros(4, 3)})
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_ignored_names_and_old_batch_counters():
    model = network()
    state = {n: t for n, t in model.state_dict().items() if "num_batches" not in n and not n.startswith("2.")}
    fit_state_dict(model, {**state, "aux.weight": torch.zeros(1)}, ignore=("2.*", "aux.*"))
    with pytest.raises(CheckpointError):
        fit_state_dict(model, state)


def test_two_names_for_one_weight():
    state = dict(network().state_dict())
    state["module.0.weight"] = state["0.weight"]
    with pytest.raises(CheckpointError, match=r"two weights .* 0.weight"):
        fit_state_dict(network(), state)


@pytest.mark.realdata
def test_real_label_pickle_is_refused_and_real_weights_load(realdata):
    folder = realdata / "tag_gpvad" / "pretrained_models"
    error = refusal(folder / "labelencoders" / "teacher.pth")
    assert "sklearn.preprocessing.label.MultiLabelBinarizer" in error.what
    state = load_state_dict(folder / "teacher1" / "model.pth")
    trainable = [n for n in state if "running" not in n and "num_batches" not in n]
    assert sum(state[n].numel() for n in trainable) == 813_937  # SOURCE.md
    assert json.dumps(sorted(state)[:1]) == '["features.0.block.0.bias"]'

"""What one model's code changes around it: kept for that model, gone for everybody else."""

from __future__ import annotations

import io
import os
import signal
import sys
import warnings
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from benchbed.adapter.surroundings import adopt, of_its_own, surroundings

#: Every change that a model's code may make, and how somebody else sees it.
CHANGES = {
    "torch default type": (lambda: torch.set_default_dtype(torch.float64), lambda: torch.zeros(1).dtype),
    "torch default device": (lambda: torch.set_default_device("meta"), lambda: str(torch.get_default_device())),
    "torch gradients": (lambda: torch.set_grad_enabled(False), torch.is_grad_enabled),
    "torch deterministic": (
        lambda: torch.use_deterministic_algorithms(True, warn_only=True),
        lambda: (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        ),
    ),
    "torch anomaly": (lambda: torch.autograd.set_detect_anomaly(True), torch.is_anomaly_enabled),
    "torch matmul": (
        lambda: torch.set_float32_matmul_precision("medium"),
        torch.get_float32_matmul_precision,
    ),
    "cudnn": (lambda: setattr(torch.backends.cudnn, "benchmark", True), lambda: torch.backends.cudnn.benchmark),
    "mkldnn": (lambda: setattr(torch.backends.mkldnn, "enabled", False), lambda: torch.backends.mkldnn.enabled),
    "numpy errors": (lambda: np.seterr(all="raise"), np.geterr),
    "search path": (lambda: sys.path.insert(0, "/somewhere"), lambda: list(sys.path)),
    "environment": (lambda: os.environ.update(SOME_WORD="new"), lambda: os.environ.get("SOME_WORD")),
    "folder": (lambda: os.chdir("/"), os.getcwd),
    "warnings": (lambda: warnings.simplefilter("ignore"), lambda: list(warnings.filters)),
}


class Model:
    """Anything that holds attributes."""


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_there_at_the_next_call_of_the_model_and_nowhere_else(name):
    change, seen = CHANGES[name]
    before, one, other = seen(), Model(), Model()
    with of_its_own(one):
        change()
        changed = seen()
    assert changed != before
    assert seen() == before
    with of_its_own(other):
        assert seen() == before
    with of_its_own(one):
        assert seen() == changed
    assert seen() == before


@pytest.mark.parametrize("name", CHANGES)
def test_what_import_changes_is_there_when_the_model_is_called(name):
    change, seen = CHANGES[name]
    before, model = seen(), Model()
    with of_its_own() as left:
        change()
        changed = seen()
    assert seen() == before
    adopt(model, left)
    with of_its_own(model):
        assert seen() == changed
    assert seen() == before


def test_a_default_device_of_a_block_is_seen_and_that_of_a_function_too():
    assert surroundings()["torch default device"] == torch.device("cpu")
    with torch.device("meta"):
        assert surroundings()["torch default device"] == torch.device("meta")
    torch.set_default_device("meta")
    try:
        assert surroundings()["torch default device"] == torch.device("meta")
    finally:
        torch.set_default_device(None)
    assert surroundings()["torch default device"] == torch.device("cpu")


@pytest.fixture
def heard() -> Iterator[None]:
    """Ctrl-C is heard, as it is not where tests run in the background of a script."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_what_ctrl_c_does_is_the_models_own_in_its_calls_alone():
    before, model = signal.getsignal(signal.SIGINT), Model()
    for _ in range(2):
        with of_its_own(model):
            mine = signal.getsignal(signal.SIGINT)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        assert signal.getsignal(signal.SIGINT) is before
    assert mine == signal.SIG_IGN and mine is not before


def test_streams_are_the_commands_again_whatever_a_model_set_them_to():
    before = sys.stdout, sys.stderr
    with of_its_own(Model()):
        sys.stdout = sys.stderr = io.StringIO()
    assert (sys.stdout, sys.stderr) == before


@pytest.mark.parametrize("inside", [True, False], ids=["in its call", "after it"])
def test_a_working_directory_that_a_model_removes_costs_it_no_later_call(tmp_path, inside):
    before, model, scratch = os.getcwd(), Model(), tmp_path / "scratch"
    scratch.mkdir()
    with of_its_own(model):
        os.chdir(scratch)
        if inside:
            scratch.rmdir()
    if not inside:
        scratch.rmdir()
    assert os.getcwd() == before
    with of_its_own(model):
        assert os.getcwd() == before
    assert os.getcwd() == before


def test_an_error_in_the_block_leaves_nothing_either():
    with pytest.raises(ZeroDivisionError), of_its_own(Model()):
        torch.set_default_dtype(torch.float64)
        raise ZeroDivisionError
    assert torch.get_default_dtype() is torch.float32


def test_threads_are_the_runs_and_not_the_models():
    model, before = Model(), torch.get_num_threads()
    with of_its_own(model):
        torch.set_num_threads(before + 1)
    assert torch.get_num_threads() == before
    with of_its_own(model):
        assert torch.get_num_threads() == before


def test_what_a_model_prints_is_no_output_of_the_command(capsys):
    with of_its_own(Model()):
        print("loading")
    assert capsys.readouterr() == ("", "loading\n")


def test_nothing_is_imported_to_look_around():
    import subprocess

    program = (
        "import sys; from benchbed.adapter.surroundings import of_its_own\n"
        "with of_its_own(): pass\nprint('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_surroundings_compare_as_equal_when_nothing_happened():
    assert surroundings() == surroundings()


def test_the_environment_is_read_anew_whenever_it_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCHBED_TEST", "one")
    before = surroundings()["environment"]
    assert before == dict(os.environ)
    before["BENCHBED_TEST"] = "of whoever asked"
    assert surroundings()["environment"]["BENCHBED_TEST"] == "one"
    os.environ["BENCHBED_TEST"] = "two"
    assert surroundings()["environment"] == dict(os.environ)
    del os.environ["BENCHBED_TEST"]
    assert "BENCHBED_TEST" not in surroundings()["environment"]

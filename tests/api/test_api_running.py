"""`benchbed.run` and `benchbed.score`: typed options, live models, several models, interrupts, silence."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import benchbed as bb
from benchbed.errors import AdapterError, BenchbedError, ConfigError, DataError


class Bands(torch.nn.Module):
    """Energy below and above 1 kHz of half a second at 8 kHz, as the toy adapter has it."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(2))

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        power = torch.fft.rfft(waveforms[:, 0]).abs() ** 2
        split = int(1000 * 2 * (power.shape[1] - 1) / 8000)
        energy = torch.stack([power[:, :split].sum(1), power[:, split:].sum(1)], 1)
        return torch.log(energy * self.weight + 1e-9)


CARD = bb.Card(name="bands", family="mlp", output="scene", labels=("low", "high"), sample_rate=8000)


def test_a_run_has_its_figures_cells_and_predictions_as_tables(toy_run, adapter_file):
    run = toy_run(adapter_file())
    figures = run.figures()
    clean = figures.query("metric == 'macro_accuracy' and kind == 'clean' and group.isna()", engine="python")
    assert clean["value"].tolist() == [1.0]
    assert {"unit", "direction", "rule", "n", "parameter", "parameter_unit"} <= set(figures.columns)
    cells = run.cells()
    assert cells["condition"].tolist() == ["clean", "white_noise", "white_noise"]
    assert cells["parameter"].tolist()[1:] == [20, 0]
    predictions = run.predictions("scene/test/clean")
    assert len(predictions) == 40
    # The rows hold what the figures rest on.
    output = predictions[["score.low", "score.high"]].to_numpy().argmax(1)
    truth = (predictions["label"].astype(str) == "high").to_numpy().astype(int)
    assert (output == truth).mean() == cells.iloc[0]["value"]
    assert len(run.predictions()) == 120


def test_nothing_is_printed_unless_asked(toy_run, adapter_file, capfd):
    toy_run(adapter_file())
    printed = capfd.readouterr()
    assert printed.out == "" and printed.err == ""


def test_a_network_of_the_notebook_is_run_and_stays_as_it_was(toy_run):
    network = Bands().train()
    run = toy_run(network, card=CARD)
    assert run.cells().iloc[0]["value"] == 1.0
    assert network.training and not hasattr(network, "device")
    assert run.result.model.name == "bands"


def test_a_trained_on_network_is_another_model(toy_run):
    network = Bands()
    first = toy_run(network, card=CARD)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([0.0, 1.0]))
    second = toy_run(network, card=CARD)
    assert (first.cells().iloc[0]["value"], second.cells().iloc[0]["value"]) == (1.0, 0.5)
    assert second.reused[0] == 0


def test_a_loaded_adapter_keeps_what_was_done_to_its_network(toy_run):
    class Own(bb.TorchAdapter):
        card = CARD

        def build(self):
            return Bands()

    adapter = Own()
    adapter.load("cpu")
    with torch.no_grad():
        adapter.model.weight.copy_(torch.tensor([0.0, 1.0]))
    adapter.model.train()
    run = toy_run(adapter)
    assert run.cells().iloc[0]["value"] == 0.5
    assert adapter.model.training


def test_a_live_adapter_equals_its_file(toy_run, adapter_file, tmp_path):
    from benchbed.adapter.load import load_adapter

    path = adapter_file()
    live = toy_run(load_adapter(str(path)).adapter, out=tmp_path / "live")
    filed = toy_run(path, out=tmp_path / "filed")
    pd.testing.assert_frame_equal(live.figures(), filed.figures())


def test_a_live_model_cannot_go_to_other_processes(toy_run):
    with pytest.raises(ConfigError, match="this process"):
        toy_run(Bands(), card=CARD, workers=2)


@pytest.mark.parametrize(
    ("model", "words"),
    [(3, "a int is no model"), (Bands(), "does not say what it is"), ([], "no model is given")],
)
def test_what_is_no_model_is_refused(toy_run, model, words):
    with pytest.raises(BenchbedError, match=words):
        toy_run(model)


def test_one_bad_model_does_not_take_the_others_along(toy_run, adapter_file):
    runs = toy_run(
        {
            "good": adapter_file("good"),
            "bad": adapter_file("bad", "raise ValueError('broken')"),
            "fine": adapter_file("fine"),
        }
    )
    assert [run.name for run in runs] == ["good", "fine"]
    assert list(runs.errors) == ["bad"] and "broken" in str(runs.errors["bad"])
    assert set(runs.figures()["model"]) == {"good", "fine"}
    assert "bad" in repr(runs)


def test_one_bad_model_alone_is_an_error(toy_run, adapter_file):
    with pytest.raises(BenchbedError, match="broken"):
        toy_run(adapter_file("bad", "raise ValueError('broken')"))


def test_two_models_of_one_name_are_asked_for_names(toy_run, adapter_file):
    path = adapter_file()
    with pytest.raises(ConfigError, match="two models are called 'toy'"):
        toy_run([path, path])


def test_an_interrupt_loses_nothing(toy_run, adapter_file, tmp_path, monkeypatch):
    monkeypatch.setattr("benchbed.run.preparing.units.SHARD_CLIPS", (5, 5))
    flag = tmp_path / "stop"
    flag.touch()
    count = f"import pathlib; f = pathlib.Path({str(flag)!r}); n = getattr(Toy, 'n', 0); Toy.n = n + 1\n"
    inject = count + "        if Toy.n > 4 and f.exists(): raise KeyboardInterrupt"
    path = adapter_file("toy", inject)
    with pytest.raises(KeyboardInterrupt):
        toy_run(path)
    flag.unlink()
    run = toy_run(path)
    assert 0 < run.reused[0] < run.reused[1]
    assert run.complete


def test_two_runs_in_one_process_do_not_disturb_each_other(toy_run, adapter_file, tmp_path):
    paths = [adapter_file(name) for name in ("one", "two")]
    alone = [toy_run(path, out=tmp_path / "alone").figures() for path in paths]
    together: dict[int, pd.DataFrame] = {}

    def work(number: int) -> None:
        together[number] = toy_run(paths[number], out=tmp_path / "together").figures()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(2):
        pd.testing.assert_frame_equal(alone[number], together[number])


def test_a_table_in_memory_is_scored(tmp_path, toy_data, definition):
    definition["conditions"] = ["clean"]
    clips = pd.read_csv(toy_data / "clips.csv")
    table = pd.DataFrame({"filename": clips["path"], "low": (clips["label"] == "low") * 0.8 + 0.1})
    table["high"] = 1 - table["low"]
    run = bb.score(definition, table, name="given", data={"toy": toy_data}, out=tmp_path / "runs")
    assert run.cells()["value"].tolist() == [1.0]
    assert "given" in run.name


def test_predictions_of_a_run_are_scored_as_they_are(toy_run, definition, toy_data, tmp_path, adapter_file):
    """A researcher changes scores in a notebook and asks again; what is not changed has the same figures."""
    definition["conditions"] = ["clean"]
    made = toy_run(adapter_file())
    told = made.predictions()
    again = bb.score(definition, told, name="again", data={"toy": toy_data}, out=tmp_path / "again")
    assert again.cells()["value"].tolist() == made.cells()["value"].tolist()
    told[["score.low", "score.high"]] = told[["score.high", "score.low"]].to_numpy()
    turned = bb.score(definition, told, name="turned", data={"toy": toy_data}, out=tmp_path / "again")
    assert turned.cells()["value"].tolist() != made.cells()["value"].tolist()
    twice = pd.concat([told, told.assign(cell="scene/test/other")])
    with pytest.raises(ConfigError, match="more than one answer"):
        bb.score(definition, twice, data={"toy": toy_data}, out=tmp_path / "again")


def test_a_mistake_in_a_suite_given_as_a_mapping_has_its_place(toy_run, definition, adapter_file):
    definition["taks"] = definition.pop("task")
    with pytest.raises(ConfigError) as caught:
        toy_run(adapter_file())
    assert "suite:" in str(caught.value) and "taks" in str(caught.value)


def test_overrides_are_typed(toy_run, adapter_file):
    run = toy_run(adapter_file(), overrides={"statistics.draws": 40, "conditions": ["clean"]})
    assert run.result.suite.definition["statistics"]["draws"] == 40
    assert len(run.cells()) == 1


def test_unknown_words_are_refused(toy_run, adapter_file):
    with pytest.raises(ConfigError, match="missing, always"):
        toy_run(adapter_file(), reuse="sometimes")


def test_plan_and_check_answer_without_printing(toy_data, definition, adapter_file, capfd):
    planned = bb.plan(definition, data={"toy": toy_data})
    assert planned["evaluations"] == 120
    checked = bb.check(adapter_file())
    assert set(checked.columns) >= {"name", "status", "message"} and not (checked["status"] == "fail").any()
    assert capfd.readouterr().out == ""


def test_predictions_that_are_not_there(toy_run, adapter_file):
    run = toy_run(adapter_file())
    with pytest.raises(DataError, match="did you mean"):
        run.predictions("scene/test/claen")


def test_the_door_is_light():
    import subprocess
    import sys

    code = "import sys, benchbed; print([m for m in ('torch', 'numpy', 'pandas', 'scipy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_every_public_name_is_there_and_says_what_it_does():
    for name in bb.__all__:
        assert getattr(bb, name).__doc__, name
    with pytest.raises(AttributeError):
        bb.nothing  # noqa: B018
    assert isinstance(AdapterError("x"), BenchbedError)
    assert np.isfinite(1.0) and Path


def test_a_room_that_is_also_a_verb_still_holds_its_modules():
    import benchbed.run.session

    assert callable(bb.run) and benchbed.run.session.run is not bb.run

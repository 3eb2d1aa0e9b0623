"""Tables at a terminal: the same figures, plain where there is no terminal, harmless whatever names hold."""

from __future__ import annotations

import io

from rich.console import Console

from benchbed.report import terminal
from benchbed.results.record import Check, Condition


def printed(function, *arguments, **options) -> str:
    stream = io.StringIO()
    function(*arguments, Console(file=stream, width=160, **options))
    return stream.getvalue()


def test_one_run_shows_figures_devices_and_what_went_wrong(result):
    text = printed(terminal.print_runs, [result(conditions=True, dataset__limit=10)])
    for part in (
        "57.3\u202f%",
        "[54.3, 60.3]",
        "Synthetic data",
        "Limit used",
        "Incomplete",
        "Unseen devices, clips pooled",
    ):
        assert part in text
    assert "no interval asked" in text
    assert "clean agreement" in text and "finite outputs" not in text
    assert "White noise" in text and "33.8" in text


def test_every_budget_of_an_attack_is_shown_with_noise_beside_it(result):
    record = result("cnn")
    value = record.cells[0].metrics["macro_accuracy"]
    for budget, kept in ((30.0, 0.25), (40.0, 0.5)):
        what = Condition(kind="attack", name="standard", parameter=budget, unit="dB SNR", group="attack")
        metrics = {
            "robust_accuracy": value.model_copy(update={"value": kept}),
            "noise_accuracy": value.model_copy(update={"value": 0.875, "title": "Accuracy in noise of equal budget"}),
        }
        record.cells.append(
            record.cells[0].model_copy(
                update={"key": f"scene/test/standard@l2:{budget:g}dB", "condition": what, "metrics": metrics}
            )
        )
    told = {"unit": "dB", "reason": "no draws", "title": "Adversarial gap"}
    gap = value.model_copy(update={"value": 31.5, "low": None, "high": None, **told})
    record.scores["adversarial:gap/standard@l2"] = gap
    for shown in (printed(terminal.print_runs, [record]), printed(terminal.print_runs, [record, result("x")])):
        lines = [line.split() for line in shown.splitlines()]
        assert ["attack,", "budget", "in", "dB", "SNR", "40", "30"] in lines  # the mildest first
        assert any(line[0] == "Standard" and line[-2:] == ["50.0", "25.0"] for line in lines if line)
        assert any("noise" in line and line[-2:] == ["87.5", "87.5"] for line in lines)
        assert "Adversarial gap" in shown and "31.5" in shown


def test_plain_text_has_no_escape_sequences(result):
    assert "\x1b" not in printed(terminal.print_runs, [result()])


def test_a_terminal_gets_colour(result):
    assert "\x1b[" in printed(terminal.print_runs, [result()], force_terminal=True, color_system="truecolor")


def test_names_cannot_drive_the_terminal(result):
    text = printed(terminal.print_runs, [result("[red]a\x1b[2Jb\x9b"), result("x")])
    assert "\x1b" not in text and "\x9b" not in text and "[red]a" in text


def test_real_and_synthetic_are_never_in_one_table(result):
    runs = [result("alpha"), result("beta", dataset__synthetic=False, dataset__name="tau2022")]
    text = printed(terminal.print_runs, runs)
    assert text.count("model ") == 2 and text.count("Synthetic data") == 1


def test_rows_keep_the_order_given(result):
    text = printed(terminal.print_runs, [result("worse", 0.3), result("better", 0.6)])
    assert text.index("worse") < text.index("better")


def test_checks_and_plans_are_printed(result):
    checks = [Check(name="label order", status="fail", message="chance level")]
    assert "fail" in printed(terminal.print_checks, checks) and "chance level" in printed(terminal.print_checks, checks)
    text = printed(terminal.print_plan, {"cells": 51, "disk": {"predictions": "12 MB"}, "seconds": None})
    assert "51" in text and "predictions: 12 MB" in text

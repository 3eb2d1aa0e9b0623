"""Every Eval Ever records and model cards: what the schema asks for, and no figure without its interval."""

from __future__ import annotations

from benchbed.report.every_eval import every_eval_ever
from benchbed.report.model_card import citation, model_card
from benchbed.results.record import Value

#: Required by eval.schema.json 0.3.0 of github.com/evaleval/every_eval_ever.
REQUIRED = {
    "schema_version",
    "evaluation_id",
    "retrieved_timestamp",
    "source_metadata",
    "model_info",
    "eval_library",
    "evaluation_results",
}


def test_the_fields_that_the_schema_requires(result):
    made = every_eval_ever(result(conditions=True))
    assert made.keys() >= REQUIRED and made.keys() <= REQUIRED | {"evaluation_timestamp"}
    assert made["source_metadata"]["source_type"] == "evaluation_run"
    assert made["retrieved_timestamp"] == "1795262400"  # 2026-11-21T12:00:00Z
    assert made["model_info"]["additional_details"]["deployment_type"] == "self_deployed"
    for figure in made["evaluation_results"]:
        assert figure.keys() >= {"evaluation_name", "source_data", "metric_config", "score_details"}
        assert {"lower_is_better", "score_type", "min_score", "max_score"} <= figure["metric_config"].keys()
        texts = [figure["source_data"]["additional_details"], figure["score_details"]["details"]]
        assert all(isinstance(text, str) for held in texts for text in held.values())


def test_figures_keep_interval_direction_and_rule(result):
    made = every_eval_ever(result())
    (loss,) = [f for f in made["evaluation_results"] if f["score_details"]["details"]["metric"] == "log_loss"]
    assert loss["metric_config"]["lower_is_better"] is True
    assert loss["score_details"]["score"] == 1.234
    assert loss["metric_config"]["additional_details"]["rule"] == "log_loss:eps1e-15"
    (accuracy,) = [f for f in made["evaluation_results"] if f["score_details"]["details"]["metric"] == "macro_accuracy"]
    uncertain = accuracy["score_details"]["uncertainty"]
    assert uncertain["confidence_interval"]["confidence_level"] == 0.95
    assert (uncertain["num_bootstrap_samples"], uncertain["num_samples"]) == (1000, 1000)
    assert (accuracy["metric_config"]["min_score"], accuracy["metric_config"]["max_score"]) == (0.0, 1.0)
    assert accuracy["source_data"]["additional_details"]["synthetic"] == "true"


def test_a_figure_without_a_value_is_left_out(result):
    record = result(scores={"mce": Value(value=None, n=0, direction="lower", unit="ratio", rule="r", reason="none")})
    names = [f["score_details"]["details"]["metric"] for f in every_eval_ever(record)["evaluation_results"]]
    assert "mce" not in names


def test_a_model_card_says_what_the_data_are_and_how_to_repeat_it(result):
    text = model_card(result())
    assert "> **Synthetic data: tau2022\\-synthetic" in text or "> **Synthetic data: tau2022-synthetic" in text
    assert "| Macro accuracy | 57.3\u202f% | \\[54.3, 60.3\\] | ↑ higher | 1,000 |" in text
    assert "Unseen devices, clips pooled" in text
    assert "`benchbed run suites/dcase_task1.yaml --model adapters/passt.py`" in text


def test_text_cannot_leave_a_model_card_or_a_citation(result):
    evil = "x` | <script> } \\input{y}\n# head"
    record = result(evil, suite__title=evil, provenance__command=evil)
    assert "<script>" not in model_card(record).replace("\\<script", "").replace(
        "`x' | <script> } \\input{y} # head`", ""
    )
    assert "\n# head" not in model_card(record)
    assert "\\input" not in citation(record) and citation(record).count("{") == citation(record).count("}")

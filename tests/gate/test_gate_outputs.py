"""What a gate writes: JUnit, Markdown, annotations, JSON, terminal; hostile text stays text."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchbed.gate import outputs
from benchbed.gate.verdict import Answer, Finding, Report, RuleOutcome


def report(strict=False) -> Report:
    evil = "a|b <script>@team `x`\x1b[31m\n::error::no"
    return Report(
        "mine",
        evil,
        "base",
        (
            RuleOutcome("fine", "It holds.", (Finding("accuracy · clean", Answer.PASSED, "70 % against 70 %"),), 3),
            RuleOutcome("open", "", (Finding("f1 · clean", Answer.PASSED, "close", conclusive=False),), 4),
            RuleOutcome(
                "bad, really: 5 %",
                "Why it matters.",
                (
                    Finding("accuracy · white_noise@3", Answer.REGRESSED, "−5 %, p = 0.01", facts={"p": 0.01}),
                    Finding("loss", Answer.PASSED, "same", guard=True),
                ),
                7,
            ),
            RuleOutcome("gone", "Never silent.", (Finding("x", Answer.UNMEASURED, evil),), 12),
        ),
        0.05,
        "holm",
        "Holm over 3 tests",
        0.9,
        ("a note",),
        Path("rules/gate.yaml"),
        strict,
    )


def test_exit_codes_in_order_of_gravity():
    outcomes = report().outcomes
    for chosen, strict, code in (
        (outcomes, False, 1),
        (outcomes[:2] + outcomes[3:], True, 3),
        (outcomes[:2], True, 4),
        (outcomes[:2], False, 0),
        (outcomes[:1], True, 0),
    ):
        made = Report("", "a", "b", chosen, 0.05, "holm", "Holm over 1 tests", 0.9, strict=strict)
        assert made.exit_code == code
        assert made.headline.startswith("passed" if code == 0 else "not passed")


def test_junit_counts_and_places():
    suite = ElementTree.fromstring(outputs.junit(report(strict=True))).find("testsuite")
    assert {k: suite.get(k) for k in ("tests", "failures", "errors")} == {"tests": "4", "failures": "2", "errors": "1"}
    cases = {case.get("name"): case for case in suite.findall("testcase")}
    bad = cases["bad, really: 5 %"].find("failure")
    assert bad.text.startswith("rules/gate.yaml:7\n") and "Why it matters." in bad.get("message")
    assert "guard loss: same" in bad.text
    assert cases["gone"].find("error").text.startswith("rules/gate.yaml:12\n")
    assert len(cases["fine"]) == 0 and "It holds." in suite.find("system-out").text


#: Attributes that the schema of Ant (windyroad/JUnit-Schema, JUnit.xsd) demands of a suite; Jenkins' xUnit plugin
#: (junit-10.xsd) knows all of them. Of a case, both know these three and no place in a file.
SUITE = {"id", "package", "name", "hostname", "timestamp", "time", "tests", "failures", "errors"}
CASE = {"classname", "name", "time"}


@pytest.mark.parametrize("created", ["2026-11-21T16:00:00+00:00", "2026-11-21T16:00:00Z", ""])
def test_junit_keeps_to_what_both_schemas_allow(created):
    made = outputs.junit(replace(report(strict=True), created=created))
    root = ElementTree.fromstring(made)
    assert root.tag == "testsuites" and not root.attrib
    [suite] = root
    assert set(suite.attrib) == SUITE | {"skipped"}
    assert re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}", suite.get("timestamp"))
    assert [child.tag for child in suite] == ["properties", *["testcase"] * 4, "system-out", "system-err"]
    assert all(p.tag == "property" and set(p.attrib) == {"name", "value"} and p.get("name") for p in suite[0])
    for case in suite.findall("testcase"):
        assert set(case.attrib) == CASE and len(case) <= 1
        assert all(told.tag in ("failure", "error") and set(told.attrib) == {"type", "message"} for told in case)


def test_annotations_point_at_the_rule_and_cannot_be_injected():
    found = outputs.github_annotations(report())
    assert [line.split("::")[1].split(",title")[0] for line in found] == [
        "error file=rules/gate.yaml,line=7",
        "error file=rules/gate.yaml,line=12",
    ]
    assert "title=bad%2C really%3A 5 %25%3A regressed" in found[0]
    assert "Why it matters.%0A" in found[0]
    assert all("\n" not in line and "\r" not in line for line in found)
    assert any("line=4" in line for line in outputs.github_annotations(report(strict=True)))


def test_annotations_start_at_the_root_of_the_checkout(monkeypatch, tmp_path):
    """A command that runs in a folder of the checkout names its rules from there; a runner reads them from its root."""
    (tmp_path / "models" / "rules").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "models")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    assert "file=models/rules/gate.yaml,line=7" in outputs.github_annotations(report())[0]
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / "elsewhere"))
    assert "file=rules/gate.yaml,line=7" in outputs.github_annotations(report())[0]


def test_markdown_and_terminal_keep_hostile_text_text():
    text = outputs.markdown(report())
    assert "<script>" not in text and "@team" not in text and "\x1b" not in text and "a\\|b" in text
    assert text.count("<details>") == 1 and "Why it matters." in text and "It holds." in text
    shown = "\n".join(outputs.terminal(report()))
    assert "\x1b" not in shown and "[rules/gate.yaml:7]" in shown and "Never silent." in shown
    assert "Holm over 3 tests" in shown


def test_files_and_step_summary(tmp_path, monkeypatch):
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    outputs.write_outputs(
        report(), junit_path=tmp_path / "deep" / "j.xml", markdown_path=tmp_path / "c.md", json_path=tmp_path / "r.json"
    )
    assert summary.read_text().startswith("before\n### benchbed gate not passed")
    held = json.loads((tmp_path / "r.json").read_text())
    assert held["exit_code"] == 1 and [r["answer"] for r in held["rules"]] == [
        "not shown to regress",
        "not shown to regress",
        "regressed",
        "could not measure",
    ]
    assert held["rules"][2]["findings"][0]["p"] == 0.01
    assert ElementTree.parse(tmp_path / "deep" / "j.xml") and (tmp_path / "c.md").read_text()


@pytest.mark.parametrize(("value", "on"), [("true", True), ("", False), ("false", False)])
def test_github_is_recognised(monkeypatch, value, on):
    monkeypatch.setenv("GITHUB_ACTIONS", value)
    assert outputs.on_github() is on

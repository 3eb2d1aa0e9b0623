"""A gate's report for people and machines: terminal, JUnit XML, GitHub annotations and step summary, Markdown, JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path
from xml.etree import ElementTree

from benchbed.compare.show import plain
from benchbed.gate.verdict import Answer, Finding, Report, RuleOutcome

_MARKS = {Answer.REGRESSED: "✗", Answer.PASSED: "~", Answer.UNMEASURED: "?"}

#: What the marks mean.
LEGEND = (
    "✓ holds: what the rule forbids is ruled out · ~ not shown to regress, and not ruled out · ✗ regressed · "
    "? could not measure"
)


def mark(found: RuleOutcome | Finding) -> str:
    """The answer as one sign; only what is shown to hold has a tick."""
    return "✓" if found.answer is Answer.PASSED and found.conclusive else _MARKS[found.answer]


def terminal(report: Report) -> list[str]:
    """The report, line by line."""
    found = [f"{report.run} against {report.baseline}" + (f", rules {report.name}" if report.name else ""), ""]
    for outcome in report.outcomes:
        place = f"  [{report.path}:{outcome.line}]" if report.path and outcome.line else ""
        found.append(f"{mark(outcome)} {outcome.name}: {status(report, outcome)}{place}")
        if outcome.say:
            found.append(f"    {outcome.say}")
        for finding in outcome.findings:
            guard = "guard " if finding.guard else ""
            found.append(f"  {mark(finding)} {guard}{finding.subject}: {finding.words}")
    found += [f"  note: {note}" for note in report.notes]
    return [plain(line) for line in [*found, "", LEGEND, _method(report), report.headline]]


def status(report: Report, outcome: RuleOutcome) -> str:
    """The answer to a rule, with its proviso."""
    if outcome in report.inconclusive:
        return f"{outcome.answer}, inconclusive"
    return "holds" if outcome.holds else str(outcome.answer)


def markdown(report: Report) -> str:
    """The report as a comment: a headline, a table of rules, and the numbers folded away."""
    rows = ["| | rule | answer | |", "|---|---|---|---|"]
    for outcome in report.outcomes:
        worst = next((f for f in outcome.findings if f.answer is outcome.answer), None)
        told = _cell(f"{worst.subject}: {worst.words}") if worst else ""
        rule = f"**{_cell(outcome.name)}** {_cell(outcome.say)}"
        rows.append(f"| {mark(outcome)} | {rule} | {status(report, outcome)} | {told} |")
    every = ["| | figure | |", "|---|---|---|"]
    every += [
        f"| {mark(f)} | {_cell(f.subject)}{' (guard)' if f.guard else ''} | {_cell(f.words)} |"
        for o in report.outcomes
        for f in o.findings
    ]
    notes = "".join(f"- {_cell(note)}\n" for note in report.notes)
    title = f"### benchbed gate {report.headline}\n\n{_cell(report.run)} against {_cell(report.baseline)}\n\n"
    told = "\n\n".join(["\n".join(every), LEGEND, _method(report), notes])
    folded = f"<details><summary>every figure</summary>\n\n{told}</details>\n"
    return title + "\n".join(rows) + "\n\n" + folded


def junit(report: Report) -> str:
    """The report as JUnit XML: a regression is a failure, what could not be measured an error.

    It keeps to what the schemas of Ant and of Jenkins' xUnit plugin both allow, which refuse a report with anything
    else: a place in a file has no attribute there, so it opens the text of a failure.
    """
    stamp = report.created.replace("Z", "+00:00").partition("+")[0] or "1970-01-01T00:00:00"
    suites = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(
        suites,
        "testsuite",
        id="0",
        package="benchbed",
        name=plain(f"benchbed gate {report.name}".strip()),
        hostname="localhost",
        timestamp=stamp,
        time="0",
        tests=str(len(report.outcomes)),
        failures=str(report.count(Answer.REGRESSED) + len(report.inconclusive)),
        errors=str(report.count(Answer.UNMEASURED)),
        skipped="0",
    )
    facts = ElementTree.SubElement(suite, "properties")
    for name, value in (
        ("run", report.run),
        ("baseline", report.baseline),
        ("alpha", f"{report.alpha:g}"),
        ("correction", report.correction),
        ("corrected", report.over),
    ):
        ElementTree.SubElement(facts, "property", name=name, value=plain(value))
    for outcome in report.outcomes:
        case = ElementTree.SubElement(suite, "testcase", classname="benchbed.gate", name=plain(outcome.name), time="0")
        bad = outcome.answer is Answer.REGRESSED or outcome in report.inconclusive
        if bad or outcome.answer is Answer.UNMEASURED:
            told = ElementTree.SubElement(
                case,
                "failure" if bad else "error",
                type=str(outcome.answer),
                message=plain(f"{status(report, outcome)}. {outcome.say}"),
            )
            told.text = _placed(report, outcome)
    every = [f"{outcome.name}: {status(report, outcome)}\n{_placed(report, outcome)}" for outcome in report.outcomes]
    notes = [f"note: {note}" for note in report.notes]
    lines = "\n".join([*every, *notes, _method(report), report.headline]).split("\n")
    ElementTree.SubElement(suite, "system-out").text = "\n".join(plain(line) for line in lines)
    ElementTree.SubElement(suite, "system-err").text = ""
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _placed(report: Report, outcome: RuleOutcome) -> str:
    place = plain(f"{report.path}:{outcome.line}") if report.path and outcome.line else ""
    return "\n".join(part for part in (place, plain_lines(outcome)) if part)


def plain_lines(outcome: RuleOutcome) -> str:
    """Every finding of a rule, a line each."""
    lines = [outcome.say] if outcome.say else []
    lines += [f"{f.answer}: {'guard ' if f.guard else ''}{f.subject}: {f.words}" for f in outcome.findings]
    return "\n".join(plain(line) for line in lines)


def github_annotations(report: Report) -> list[str]:
    """GitHub workflow commands that point at the rule's line; passed rules have none."""
    found = []
    for outcome in report.outcomes:
        if outcome.answer is Answer.PASSED and outcome not in report.inconclusive:
            continue
        level = "error" if outcome.answer is not Answer.PASSED or outcome in report.inconclusive else "notice"
        place = [f"file={_property(_in_workspace(report.path))}"] if report.path else []
        place += [f"line={outcome.line}"] if outcome.line else []
        place.append(f"title={_property(f'{outcome.name}: {status(report, outcome)}')}")
        bad = [f for f in outcome.findings if f.answer is outcome.answer]
        text = "\n".join([*([outcome.say] if outcome.say else []), *(f"{f.subject}: {f.words}" for f in bad)])
        found.append(f"::{level} {','.join(place)}::{_data(text)}")
    return found


def _in_workspace(path: Path) -> str:
    """A path as annotations need it: from the root of the checkout, wherever in it the command runs."""
    root = os.environ.get("GITHUB_WORKSPACE")
    if root and path.resolve().is_relative_to(Path(root).resolve()):
        return path.resolve().relative_to(Path(root).resolve()).as_posix()
    return str(path)


def write_outputs(
    report: Report, *, junit_path: Path | None = None, markdown_path: Path | None = None, json_path: Path | None = None
) -> None:
    """Write what was asked for, and the step summary where a GitHub runner names its file."""
    for path, text in (
        (junit_path, junit(report)),
        (markdown_path, markdown(report)),
        (json_path, json.dumps(report.as_json(), indent=1, ensure_ascii=False, default=float) + "\n"),
    ):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with open(summary, "a", encoding="utf-8") as file:
            file.write(markdown(report) + "\n")


def on_github() -> bool:
    """The command runs on a GitHub runner, which reads annotations from the log."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def _method(report: Report) -> str:
    called = f"a regression is called at α = {report.alpha:g}, one-sided ({report.over})"
    return f"{called}; intervals: {100 * report.level:g} %, each figure by itself"


def _cell(text: str) -> str:
    """Text that cannot break out of a Markdown table or bring HTML with it."""
    for bad, good in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|"), ("`", "'"), ("@", "&#64;")):
        text = text.replace(bad, good)
    return plain(text.replace("\n", " "))


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

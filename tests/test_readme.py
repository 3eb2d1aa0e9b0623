"""The first page and the notes: their Python runs, their commands parse, and what they point to is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = [block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "import benchbed as bb" in block]
SPANS = re.findall(r"`(benchbed [a-z]+[^`\n]*)`", README)
LINES = re.findall(
    r"^(?:.*&& )?(benchbed [a-z]+.*)$", "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL)), re.M
)
COMMANDS = sorted({*SPANS, *LINES})
NOTES = sorted((ROOT / "benchbed" / "notes").glob("*.md"))


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_python_of_the_readme_runs(number, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(BLOCKS[number], f"README block {number}", "exec"), {})


def test_there_is_python_in_the_readme():
    assert len(BLOCKS) >= 3


@pytest.mark.parametrize("command", COMMANDS)
def test_verbs_and_flags_of_the_readme_exist(command):
    import click

    from benchbed.cli import verbs

    words = shlex.split(command, comments=True)
    verb = verbs.commands.get(words[1])
    assert verb is not None, command
    rest = words[2:]
    if isinstance(verb, click.Group) and rest:
        assert rest[0] in verb.commands, command
        verb, rest = verb.commands[rest[0]], rest[1:]
    known = {flag for option in verb.params for flag in (*option.opts, *option.secondary_opts)}
    for word in rest:
        if word.startswith("--"):
            assert word.split("=")[0] in known, f"{word} in: {command}"


@pytest.mark.parametrize("path", [ROOT / "README.md", *NOTES], ids=lambda path: path.name)
def test_what_a_page_points_to_is_there(path):
    text = path.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:benchbed|suites|adapters|tests|leaderboards)/[^`\s]*?)`", text))
    named |= set(re.findall(r"\]\(([^)#:]+)\)", text))
    for name in sorted(named):
        place = re.sub(r"<[a-z]+>", "*", name)
        assert list(ROOT.glob(place)) or list(ROOT.glob(f"{place}.py")), name

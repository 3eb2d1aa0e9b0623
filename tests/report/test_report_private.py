"""No path of the machine that made a run reaches a page: every field of every record, and every page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from benchbed.report.every_eval import every_eval_ever
from benchbed.report.folding import unfolded
from benchbed.report.island import unpack
from benchbed.report.leaderboard import write_leaderboard
from benchbed.report.page import report_html
from benchbed.report.private import command, paths_in, private, without_paths
from benchbed.results.comparison import ComparisonRecord
from benchbed.results.record import Failure, RecordedThresholds, Result
from benchbed.results.reference import Reference, read_reference

SECRET = "/home/alice/My Private Files/sub/x.wav"
PLAIN = "/home/alice/private/sub/x.wav"


def seen(page: str) -> str:
    """All that a page says: its markup, what is folded and packed, and the data that it carries."""
    whole = unfolded(page)
    return whole + "".join(unpack(data) for data in re.findall(r'id="data">(.*?)</script>', page, re.DOTALL))


def fields(model: BaseModel, place: str = "") -> Iterator[tuple[str, BaseModel, str]]:
    """Every field of text of a record, however deep, that may hold any text."""
    for name, info in type(model).model_fields.items():
        held = getattr(model, name)
        annotated = str(info.annotation)
        here = f"{place}.{name}"
        if isinstance(held, BaseModel):
            yield from fields(held, here)
        elif isinstance(held, list | dict):
            parts = held.values() if isinstance(held, dict) else held
            nested = [part for part in parts if isinstance(part, BaseModel | dict)]
            for index, part in enumerate(nested[:2]):
                models = (
                    [part] if isinstance(part, BaseModel) else [p for p in part.values() if isinstance(p, BaseModel)]
                )
                for one in models[:1]:
                    yield from fields(one, f"{here}[{index}]")
        if "Literal" not in annotated and "str" in annotated:
            yield here, model, name


def plant(part: BaseModel, name: str, path: str) -> None:
    """A path put into a field: a text, a list of texts, or a mapping, as key and where it may be one as entry."""
    held, kind = getattr(part, name), str(type(part).model_fields[name].annotation)
    if isinstance(held, dict):
        free = "dict[str, str]" in kind or "Any]" in kind
        entry = path if free else next(iter(held.values()), None)
        part.__dict__[name] = held | ({path: entry} if free or held else {})
    elif isinstance(held, list):
        # Tables keep their size.
        part.__dict__[name] = [*held[:-1], path] if "list[str]" in kind else held
    elif isinstance(held, str) or (held is None and "dict" not in kind and "list" not in kind):
        part.__dict__[name] = f"{held or ''} {path}".strip()


def full(result) -> Result:
    """A record that has a bit of everything."""
    record = result(conditions=True, suite__overrides={"statistics.draws": "200"}, provenance__git={"commit": "abc"})
    record.failures = [Failure(clip_id="a.wav", cell="*", stage="decode", message="ends early")]
    record.thresholds = RecordedThresholds(thresholds={"bus": 0.5}, tuned_on="x, validation", rule="f1", file="t.json")
    record.cells[0].metrics["accuracy"].reason = record.cells[0].metrics["accuracy"].note = "why"
    record.cells[1].condition.unmeasured = "nobody"
    record.cells[1].condition.facts = {"sources": ["a.wav"], "digest": "b2:1"}
    return record


#: Fields that are what everything else is found by: their parts are names, never paths, and renaming them breaks links.
KEYS = {".provenance.created", ".cells[0].key", ".cells[1].key", ".primary", ".digest"}


def test_no_field_of_a_record_brings_a_path_onto_its_page(result):
    places = [place for place, _, _ in fields(full(result)) if place not in KEYS]
    assert len(places) > 80 and {".provenance.command", ".model.weights", ".thresholds.file"} <= set(places)
    for path in (PLAIN, SECRET):
        record = full(result)
        for place, part, name in fields(record):
            if place not in KEYS:
                plant(part, name, f"'{path}'" if path == SECRET else path)
        text = seen(report_html(record))
        assert "alice" not in text and "Private" not in text and "private/" not in text
        shown = without_paths(record)
        assert "alice" not in shown.model_dump_json() and shown.digest == ""
        assert "alice" not in json.dumps(every_eval_ever(shown), ensure_ascii=False)


@pytest.mark.parametrize("path", [r"C:\Users\alice\sets\x.wav", "~/alice/x.wav", "file:///home/alice/x.wav", PLAIN])
def test_one_field_at_a_time_in_every_spelling(result, path):
    for place, _, _ in fields(full(result)):
        if place in KEYS:
            continue
        record = full(result)
        part, name = next((part, name) for held, part, name in fields(record) if held == place)
        plant(part, name, path)
        assert "alice" not in without_paths(record).model_dump_json(), place


def test_no_page_of_a_board_has_a_path(result, repository, tmp_path):
    records = []
    for name in ("cnn", "passt"):
        record = full(result)
        record.model.name = name
        for place, part, field in fields(record):
            if place not in KEYS and place not in (".model.name", ".suite.name", ".dataset.name", ".suite.hash"):
                plant(part, field, PLAIN)
        records.append((Path(f"/home/alice/runs/{name}"), record))
    row = {"condition": "clean", "metric": "m", "unit": "fraction", "direction": "higher", "reason": f"see {PLAIN}"}
    sides = [{"name": n, "runs": [{"model": n, "path": f"/home/alice/runs/{n}"}]} for n in ("cnn", "passt")]
    compared = ComparisonRecord.model_validate(
        {"primary": "m", "sides": sides, "pairings": [{"a": "passt", "b": "cnn", "rows": [row], "notes": [PLAIN]}]}
    )
    published = [read_reference(path) for path in sorted((repository / "leaderboards/reference").glob("*.yaml"))][:1]
    published[0].source.note = f"read from {PLAIN}"
    pages = write_leaderboard(
        records, tmp_path, comparisons=[compared], references=published, records=True, earlier=records[:1]
    )
    assert len({page.parent.name for page in pages}) >= 5
    for page in tmp_path.rglob("*.*"):
        assert "alice" not in seen(page.read_text(encoding="utf-8")), page
    comparison = next((tmp_path / "comparisons").glob("*.html")).read_text(encoding="utf-8")
    assert 'href="../runs/cnn-' in comparison


@pytest.mark.parametrize(
    "text",
    [
        "24 kbit/s",
        "threshold / active RMS",
        "https://a.org/home/x",
        "class=/m/09x0r, /t/dd00003 and /g/122z_qxw",
        "audio/airport/a.wav",
        "N/A and +/-5 dB",
        "scene/test/white_noise@3",
        "</script><img src=x>",
        "suites/dcase_task1.yaml",
        "git@github.com:alice/repo.git",
    ],
)
def test_what_is_no_path_stays(text):
    assert private(text) == text and without_paths({text: [text]}) == {text: [text]}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cannot read /home/alice/a b", "cannot read …/a b"),
        ("/home/alice", "…"),
        ("/home/alice/My Sets/TAU 2022", "…/TAU 2022"),
        ("x.py:/srv/data/x.py:12: bad", "x.py:…/x.py:12: bad"),
        ('"/home/alice/a b/c.pt" is odd', '"…/c.pt" is odd'),
        ("PATH=/usr/bin:/home/alice/bin", "PATH=…/bin:…/bin"),
        (r"\\server\share\w.pt", "…/w.pt"),
        ("[/a/b/c.wav, /a/b/d.wav]", "[…/c.wav, …/d.wav]"),
    ],
)
def test_a_path_keeps_its_last_part(text, shown):
    assert private(text) == shown and private(shown) == shown


def test_two_files_of_one_name_stay_two(result):
    record = result(model__weights={"/a/x/best.pt": "sha256:1", "/a/y/best.pt": "sha256:2"})
    weights = without_paths(record).model.weights
    assert sorted(weights.values()) == ["sha256:1", "sha256:2"] and all(key.startswith("…/best.pt") for key in weights)


def test_a_command_stays_a_command_and_its_paths_are_known_elsewhere():
    line = "benchbed run suites/x.yaml --model '/home/alice/my models/mine.py' --data 't=/sets of alice/TAU'"
    assert command(line) == "benchbed run suites/x.yaml --model …/mine.py --data t=…/TAU"
    known = paths_in(line, {"checkpoint": "/sets of alice/w.pt"})
    assert private("lost /sets of alice/w.pt today", known) == "lost …/w.pt today"
    assert command("benchbed run suites/x.yaml --set 'a=b c'") == "benchbed run suites/x.yaml --set 'a=b c'"


def test_a_record_without_paths_is_the_same_object(result):
    record = result(conditions=True)
    assert without_paths(record) is record


def test_published_figures_of_a_user_pass_through_too(repository):
    held = read_reference(repository / "leaderboards/reference/dcase-task1.yaml")
    held.tables[0].rows[0].note = f"from {PLAIN}"
    assert isinstance(without_paths(held), Reference) and "alice" not in without_paths(held).model_dump_json()

"""Documents of strangers that are deeper, larger or stranger than they look: one clear error, at once."""

from __future__ import annotations

import contextlib
import json
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed.cli import main
from benchbed.data.locate import locate
from benchbed.errors import BenchbedError, ConfigError, DamagedError, DataError
from benchbed.gate.load import load_rules
from benchbed.nesting import ALIASED, DEEPEST, Overgrown, json_of, refuse_overgrown
from benchbed.results.reference import read_reference
from benchbed.results.store import read
from benchbed.run.journal import last_started
from benchbed.seal import seal, unseal
from benchbed.suite.load import load_suite
from benchbed.tables.jams import read_jams
from benchbed.tables.tree import read_tree


def bomb(levels: int, width: int = 9) -> str:
    """A mapping whose last value stands for `width ** levels` values."""
    names = "abcdefghijklmnopqrstuvwxyz"
    lines = [f"a: &a [{','.join(['x'] * width)}]"]
    lines += [f"{names[i]}: &{names[i]} [{','.join([f'*{names[i - 1]}'] * width)}]" for i in range(1, levels)]
    return "\n".join(lines)


#: What must not reach whatever follows aliases and brackets.
OVERGROWN = {
    "aliases": bomb(9),
    "brackets": "name: " + "[" * 20_000 + "]" * 20_000,
    "mappings": "name: " + "{a: " * 5_000 + "1" + "}" * 5_000,
    "dashes": "name:\n " + "- " * 5_000 + "x",
    "itself": "name: &a [*a]",
    "merged": "base: &a {b: 1}\n" + "\n".join(f"k{i}: {{<<: *a}}" for i in range(ALIASED)),
}


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """A test that hangs, or fills the memory, ends here; none of them needs more than a second or 100 MB."""

    def over(*_: object) -> None:
        raise TimeoutError("no answer within 20 seconds")

    before = signal.signal(signal.SIGALRM, over)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    signal.alarm(20)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 300_000, "more than 300 MB"


READERS = {
    "suite": lambda path: load_suite(str(path)),
    "rules": load_rules,
    "labels": read_tree,
    "reference": read_reference,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", OVERGROWN)
def test_yaml_that_is_larger_than_it_looks_is_refused_with_its_line(tmp_path: Path, kind: str, reader: str):
    path = tmp_path / "given.yaml"
    path.write_text(OVERGROWN[kind])
    with pytest.raises((ConfigError, DataError), match=r"nested|alias") as refused:
        READERS[reader](path)
    assert f"{path}:" in str(refused.value.where) and len(str(refused.value)) < 1000


@pytest.mark.parametrize("kind", OVERGROWN)
def test_so_is_the_configuration(tmp_path: Path, monkeypatch, kind: str):
    (tmp_path / "config.yaml").write_text(OVERGROWN[kind])
    monkeypatch.setenv("BENCHBED_CONFIG", str(tmp_path / "config.yaml"))
    with pytest.raises(ConfigError, match=r"nested|alias"):
        locate("esc50", {})


@pytest.mark.parametrize("value", ["[" * 5_000, "{a: " * 100 + "1" + "}" * 100, "&a [*a]"])
def test_so_are_values_on_the_command_line(repository: Path, value: str):
    with pytest.raises(ConfigError, match=r"nested|alias") as refused:
        load_suite(str(repository / "suites" / "esc10.yaml"), {"description": value})
    assert "--set suite.description" in str(refused.value.where)


def test_the_command_line_says_so_and_ends_with_2(tmp_path: Path, capsys):
    (tmp_path / "suite.yaml").write_text(OVERGROWN["aliases"])
    with pytest.raises(SystemExit) as ended:
        sys.exit(main(["validate", str(tmp_path / "suite.yaml")]))
    said = capsys.readouterr().err
    assert ended.value.code == 2 and "aliases stand for more" in said and "internal" not in said


def test_aliases_that_mean_something_stay():
    refuse_overgrown("a: &a [1, 2]\nb: [*a, *a]\nc: {<<: &d {e: 1}, f: *a}\ng: &a 3\nh: *a")
    refuse_overgrown(bomb(4))
    with pytest.raises(Overgrown, match=f"{ALIASED:,}") as refused:
        refuse_overgrown(bomb(6))
    assert refused.value.line == 5  # 9**3 values nine times are fewer than that, 9**4 nine times are more


@given(depth=st.integers(0, 2 * DEEPEST), kind=st.sampled_from(["[{}]", "{{a: {}}}"]))
def test_depth_is_counted_exactly(depth: int, kind: str):
    text = "x"
    for _ in range(depth):
        text = kind.format(text)
    if depth <= DEEPEST:
        refuse_overgrown(text)
    else:
        with pytest.raises(Overgrown):
            refuse_overgrown(text)


#: What every file of text in JSON may hold, and nobody reads.
STRANGE = {
    "lists": "[" * 100_000 + "]" * 100_000,
    "mappings": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "open": "[" * 1_000_000,
    "inside": '{"schema_version": 1, "x": ' + "[" * 100_000 + "]" * 100_000 + "}",
}


@pytest.mark.parametrize("kind", STRANGE)
def test_json_that_is_nested_too_deep_is_an_error_like_any_other(tmp_path: Path, kind: str):
    text = STRANGE[kind]
    with pytest.raises(ValueError):
        json_of(text)
    (tmp_path / "result.json").write_text(text)
    with pytest.raises((ConfigError, DamagedError)):
        read(tmp_path)
    (tmp_path / "a.jams").write_text(text)
    with pytest.raises(DataError):
        read_jams(tmp_path / "a.jams")
    (tmp_path / "labels.json").write_text(text)
    with pytest.raises(DataError):
        read_tree(tmp_path / "labels.json")
    (tmp_path / "log.jsonl").write_text('{"event": "started", "x": ' + text + "\n")
    assert last_started(tmp_path) is None


@pytest.mark.parametrize("depth", [50, 300, 600, 900])
def test_labels_that_parse_and_are_deep_are_refused_too(tmp_path: Path, depth: int):
    (tmp_path / "labels.json").write_text("[" * depth + "]" * depth)
    with contextlib.suppress(DataError):
        read_tree(tmp_path / "labels.json")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1E+400"])
def test_a_record_with_what_is_no_number_is_damaged_though_its_digest_fits(tmp_path: Path, number: str):
    """Records of ours have null there; whoever seals one by hand may put anything behind the digest."""
    sealed = seal('{"schema_version": 1, "value": ' + number + "}").encode()
    with pytest.raises(DamagedError, match="no number"):
        unseal(sealed, "result.json")
    assert unseal(seal('{"value": 1e-300, "other": 1e30, "text": "1e999 NaN"}').encode(), "a")[0]["value"] == 1e-300


@settings(max_examples=200, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(), st.lists))
def test_all_other_json_is_read_as_it_was_written(value: object):
    assert json_of(json.dumps(value), finite=True) == value


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="[]{}&*a:, -\n\"'x1!|>%@", max_size=80))
def test_no_text_is_more_than_an_error(text: str):
    from benchbed.suite.marks import parse_yaml

    with contextlib.suppress(BenchbedError):
        parse_yaml(text, "given.yaml")

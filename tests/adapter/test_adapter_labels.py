"""Class names out of every kind of file, and what a bad one is answered with."""

import pytest

from benchbed.adapter.labels import read_labels
from benchbed.errors import AdapterError, BenchbedError, ConfigError


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("l.txt", "bus\ntram\n\nno\n"),
        ("l.txt", "\ufeffbus\r\ntram\r\nno\r\n"),
        ("l.csv", "index,mid,display_name\n0,/m/1,bus\n1,/m/2,tram\n2,/m/3,no\n"),
        ("l.csv", "bus\ntram\nno\n"),
        ("l.tsv", "label\tcount\nbus\t3\ntram\t2\nno\t1\n"),
        ("l.json", '["bus", "tram", "no"]'),
        ("l.json", '{"2": "no", "0": "bus", "1": "tram"}'),
        ("l.json", '{"bus": 0, "no": 2, "tram": 1}'),
        ("l.yaml", "- bus\n- tram\n- no\n"),
        ("l.yaml", "0: bus\n1: tram\n2: no\n"),
        ("l.yaml", "nc: 3\nnames: [bus, tram, no]\n"),
        ("l.yaml", "sounds:\n  - bus\n  - tram\n  - no\n"),
        ("l.yaml", "- {id: 0, name: bus}\n- {id: 1, name: tram}\n- {id: 2, name: no}\n"),
        ("l.json", '{"id2label": {"0": "bus", "1": "tram", "2": "no"}, "label2id": {"bus": 0, "tram": 1, "no": 2}}'),
        ("l.txt", '"bus"\n"tram"\n"no"\n'),
        ("l.txt", "0 bus\n1 tram\n2 no\n"),
        ("l.csv", '"","label"\n"1","bus"\n"2","tram"\n"3","no"\n'),
        ("l.csv", "0,bus\n1,tram\n2,no\n"),
        ("l.csv", "index;label\n2;no\n0;bus\n1;tram\n"),
    ],
)
def test_files(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert read_labels(str(path)) == ("bus", "tram", "no")


def test_names_themselves():
    assert read_labels("bus, tram") == read_labels(["bus", "tram"]) == ("bus", "tram")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("l.csv", "index,mid\n0,/m/1\n", "no column"),
        ("l.txt", "", "empty"),
        ("l.txt", "bus\nbus\n", "twice: bus"),
        ("l.json", "{", "cannot be read"),
        ("l.json", '"bus"', "neither a list"),
        ("l.json", '{"0": "bus", "2": "tram"}', "number them"),
        ("l.yaml", "a: [", "cannot be read"),
        ("l.yaml", "vehicles: [bus, tram]\nanimals: [dog]\n", "nested: 'vehicles' holds bus, tram"),
        ("l.yaml", "- [bus, tram]\n- dog\n", "nested: a label is a list or mapping"),
        ("l.yaml", "0: bus\n0: tram\n", "'0' is written twice"),
        ("l.json", '{"0": "bus", "0": "tram"}', "'0' is written twice"),
        ("l.json", '{"id2label": {"0": "a"}, "labels": ["b"]}', "id2label and labels are different"),
        ("l.csv", "Boat, Water vehicle\nDog\n", "the row has 1 fields"),
        ("l.csv", '"bus\ntram\n', "a quote is opened and never closed"),
        ("l.csv", "index,label\n3,bus\n1,tram\n", "neither rise nor"),
    ],
)
def test_bad_files(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(AdapterError, match=message) as caught:
        read_labels(str(path))
    assert "\n" not in caught.value.what


def test_nothing_given_and_missing_file():
    with pytest.raises(ConfigError, match="does not say"):
        read_labels("")
    with pytest.raises(ConfigError, match="no file of labels"):
        read_labels("nowhere.txt")
    with pytest.raises(BenchbedError, match="empty name"):
        read_labels("bus,,tram")


def test_a_nested_list_is_refused_at_its_line(tmp_path):
    (tmp_path / "l.yaml").write_text("- dog\n- cat\n- vehicles:\n    - bus\n    - tram\n")
    with pytest.raises(AdapterError, match="nested") as caught:
        read_labels(str(tmp_path / "l.yaml"))
    assert caught.value.where == f"{tmp_path / 'l.yaml'}:3" and "flat list" in caught.value.hint


def test_names_on_the_command_line_may_hold_commas():
    assert read_labels('"Boat, Water vehicle",Dog') == ("Boat, Water vehicle", "Dog")

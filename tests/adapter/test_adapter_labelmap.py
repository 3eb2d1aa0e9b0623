"""Files that map dataset labels to model classes."""

from __future__ import annotations

import pytest

from benchbed.adapter.labelmap import read_label_map
from benchbed.errors import ConfigError

MAP = {"dog": ("Bark", "Dog"), "no": ("Off",)}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("map.yaml", "dog: [Bark, Dog]\nno: Off\n"),
        ("map.json", '{"dog": ["Bark", "Dog"], "no": "Off"}'),
        ("map.csv", "label,class\ndog,Bark\ndog,Dog\n\nno,Off\n"),
        ("map.csv", "dog,Bark\ndog,Dog\nno,Off\n"),
        ("map.csv", '"label","class"\r\n"dog","Bark"\r\n"dog","Dog"\r\n"no","Off"\r\n'),
        ("map.tsv", "label\tclass\ndog\tBark\ndog\tDog\nno\tOff\n"),
    ],
)
def test_yaml_json_csv_and_tsv_say_the_same(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    assert read_label_map(path, ("Bark", "Dog", "Off")) == MAP


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("map.yaml", "- dog\n", "not a mapping"),
        ("map.yaml", "dog: [Bark\n", "cannot be read"),
        ("map.yaml", "dog: {a: b}\n", "needs a class"),
        ("map.yaml", "", "not a mapping"),
        ("map.yaml", "dog: Bark\ndog: Bark\n", "'dog' is written twice"),
        ("map.yaml", "dog:\n  - Bark\n  - [Bark]\n", "'dog' needs a class or a list of classes"),
        ("map.csv", "label,class\ndog,Bark, Dog\n", "needs a label and a class"),
        ("map.csv", "label,class\ndog\n", "needs a label and a class"),
        ("map.csv", "label,class\n", "no rows"),
        ("map.yaml", "dog: Barc\n", "'dog' is mapped to 'Barc', which the model lacks"),
    ],
)
def test_maps_that_cannot_be_used(tmp_path, name, text, words):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ConfigError, match=words) as caught:
        read_label_map(path, ("Bark",))
    assert caught.value.where.startswith(str(path))


def test_missing_map(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_label_map(tmp_path / "none.yaml")

"""Finding, importing and constructing adapters; each way it can fail answers with one clear error."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from benchbed.adapter import Batch
from benchbed.adapter.load import load_adapter, shipped_adapters, start
from benchbed.errors import AdapterError, ConfigError

HEAD = """
import numpy as np
from benchbed.adapter import Adapter, Card
"""

GOOD = (
    HEAD
    + """
class Good(Adapter):
    card = Card(name="good", family="other", output="scene", labels=("a", "b"), sample_rate=8000)
    def __init__(self, depth: int = 3, tag: str = "x"):
        self.depth = depth
    def predict(self, batch):
        return np.zeros((len(batch), 2), np.float32)
"""
)


def write(folder: Path, text: str, name: str = "mine.py") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return path


def failure(path: Path | str, **options) -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        load_adapter(str(path), options)
    return caught.value


def test_file_gives_adapter_with_options_and_source(tmp_path):
    path = write(tmp_path, GOOD)
    loaded = load_adapter(str(path), {"depth": "7"})
    assert loaded.adapter.depth == 7
    assert loaded.name == "good"
    assert loaded.source == path
    assert loaded.options == {"depth": 7, "tag": "x"}


def test_recipe_makes_the_same_adapter_from_another_folder(tmp_path, monkeypatch):
    write(tmp_path, GOOD)
    monkeypatch.chdir(tmp_path)
    loaded = load_adapter("mine.py", {"depth": "7"})
    monkeypatch.chdir("/")
    again = load_adapter(*loaded.recipe)
    assert (again.options, again.source_hash) == (loaded.options, loaded.source_hash)


def test_recipe_works_in_a_spawned_process(tmp_path):
    loaded = load_adapter(str(write(tmp_path, GOOD)), {"depth": "7"})
    code = f"from benchbed.adapter.load import load_adapter as l; print(l(*{loaded.recipe!r}).adapter.depth)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "7"


def test_relative_path_is_searched_in_given_folders(tmp_path, monkeypatch):
    write(tmp_path / "suite", GOOD)
    monkeypatch.chdir(tmp_path)
    assert load_adapter("./mine.py", search=[tmp_path / "suite"]).name == "good"


def test_sibling_by_relative_import_and_its_text_is_hashed(tmp_path):
    write(tmp_path, "WIDTH = 3\n", "net.py")
    path = write(tmp_path, GOOD + "\nfrom .net import WIDTH\nGood.width = WIDTH\n")
    first = load_adapter(str(path))
    write(tmp_path, "WIDTH = 4\n", "net.py")
    second = load_adapter(str(path))
    assert (first.adapter.width, second.adapter.width) == (3, 4)
    assert first.source_hash != second.source_hash


def test_siblings_of_two_folders_do_not_meet(tmp_path):
    for name in ("one", "two"):
        write(tmp_path / name, f"WHO = {name!r}\n", "net.py")
        write(tmp_path / name, GOOD + "\nfrom .net import WHO\nGood.who = WHO\n")
    loaded = [load_adapter(str(tmp_path / name / "mine.py")) for name in ("one", "two")]
    assert [item.adapter.who for item in loaded] == ["one", "two"]


def test_search_path_is_left_alone_and_nothing_is_shadowed(tmp_path):
    before = list(sys.path)
    # An adapter named like the package it imports must get the package.
    path = write(tmp_path, GOOD + "\nimport json\nassert hasattr(json, 'dumps')\n", "json.py")
    load_adapter(str(path))
    assert sys.path == before
    assert hasattr(sys.modules["json"], "dumps")


def test_plain_import_of_a_sibling_says_how_to_write_it(tmp_path):
    write(tmp_path, "WIDTH = 3\n", "wavenet_parts.py")
    error = failure(write(tmp_path, "import wavenet_parts\n" + GOOD))
    assert "from .wavenet_parts import" in error.hint


def test_function_named_adapter_and_its_options(tmp_path):
    text = GOOD + "\nclass Other(Good): pass\ndef adapter(depth: int = 1):\n    return Good(depth * 2)\n"
    assert load_adapter(str(write(tmp_path, text)), {"depth": "4"}).adapter.depth == 8


def test_adapter_named_by_constant_or_after_a_colon(tmp_path):
    two = GOOD + "\nclass Other(Good): pass\n"
    assert type(load_adapter(str(write(tmp_path, two + "\nADAPTER = Other\n"))).adapter).__name__ == "Other"
    path = write(tmp_path, two, "two.py")
    assert type(load_adapter(f"{path}:Other").adapter).__name__ == "Other"
    error = failure(path)
    assert "several adapters: Good, Other" in error.what
    assert "two.py:Good" in error.hint


def test_module_by_dotted_name(tmp_path, monkeypatch):
    write(tmp_path, "", "pkg_of_models/__init__.py")
    path = write(tmp_path, GOOD, "pkg_of_models/good.py")
    monkeypatch.syspath_prepend(tmp_path)
    loaded = load_adapter("pkg_of_models.good")
    assert loaded.source == path
    assert load_adapter(*loaded.recipe).name == "good"


def test_missing_file_suggests_the_nearest(tmp_path, monkeypatch):
    write(tmp_path, GOOD)
    monkeypatch.chdir(tmp_path)
    assert "mine.py" in failure("./mien.py").hint


def test_unknown_name_lists_shipped_adapters():
    error = failure("gpvda")
    assert "gpvad" in error.hint
    assert "gpvad" in shipped_adapters()


def test_shipped_name_and_documented_path_work_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for spec in ("gpvad", "adapters/gpvad.py"):
        assert "no weights of its own" in failure(spec).what


def test_weights_given_as_model(tmp_path):
    error = failure(write(tmp_path, "", "sub/net.pt"))
    assert "not a Python file" in error.what
    assert "--set checkpoint" in error.hint


def test_folder_given_as_model(tmp_path):
    write(tmp_path, GOOD, "sub/mine.py")
    assert "mine.py" in failure(f"{tmp_path}/sub").hint


def test_syntax_error_has_its_line(tmp_path):
    path = write(tmp_path, "x = 1\ndef broken(:\n    pass\n")
    error = failure(path)
    assert "not valid Python" in error.what and "def broken(:" in error.what
    assert error.where.startswith(f"{path}:2:")


def test_missing_optional_package_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    error = failure(write(tmp_path, "import ai_edge_litert\n" + GOOD))
    assert error.hint == "pip install 'benchbed[tflite]'"
    unknown = failure(write(tmp_path, "import surely_not_installed\n" + GOOD))
    assert "surely_not_installed" in unknown.hint


def test_import_that_raises_has_its_line(tmp_path):
    path = write(tmp_path, "a = 1\nb = a / 0\n")
    error = failure(path)
    assert "ZeroDivisionError" in error.what
    assert error.where == f"{path}:2"


def test_failed_import_leaves_no_module_behind(tmp_path):
    failure(write(tmp_path, "1 / 0\n", "unlucky.py"))
    assert not [name for name in sys.modules if "unlucky" in name]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1\n", "defines no adapter"),
        (HEAD + "class A(Adapter):\n    pass\n", "lacks predict"),
        (HEAD + "class A(Adapter):\n    def predict(self, batch): ...\n", "has no card"),
        (HEAD + "class A(Adapter):\n    card = {}\n    def predict(self, batch): ...\n", "is dict, not a Card"),
        (HEAD + "def adapter():\n    return 3\n", "gives int, not an adapter"),
        (
            HEAD + "class A(Adapter):\n    def __init__(self): 1 / 0\n    def predict(self, b): ...\n",
            "ZeroDivisionError",
        ),
    ],
)
def test_files_that_give_no_adapter(tmp_path, text, words):
    assert words in failure(write(tmp_path, text)).what


def test_options_that_do_not_fit_name_the_file(tmp_path):
    path = write(tmp_path, GOOD)
    with pytest.raises(ConfigError) as caught:
        load_adapter(str(path), {"dept": "3"})
    assert caught.value.where == str(path)
    assert "did you mean 'depth'?" in caught.value.hint
    assert "depth: int = 3" in caught.value.hint


def test_start_explains_what_load_raises(tmp_path, monkeypatch):
    text = GOOD + "\n    def load(self, device):\n        import onnxruntime\n"
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(AdapterError, match="could not be loaded on cpu") as caught:
        start(load_adapter(str(write(tmp_path, text))))
    assert caught.value.hint == "pip install 'benchbed[onnx]'"


def test_start_returns_an_adapter_that_predicts(tmp_path):
    adapter = start(load_adapter(str(write(tmp_path, GOOD))))
    assert adapter.predict(Batch(np.zeros((2, 1, 8), np.float32), np.full(2, 8), 8000)).shape == (2, 2)

"""Whose an exception is that an import raised, and what a person is told to do about it."""

from __future__ import annotations

import errno
import importlib
import itertools

import pytest

from benchbed.errors import CannotMeasure, PackageError
from benchbed.packages import imported_for, need, pip_name, unusable

_numbers = itertools.count()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Writes a package whose modules say what is given, and gives its name, which no other test has."""
    monkeypatch.syspath_prepend(str(tmp_path / "site-packages"))
    monkeypatch.syspath_prepend(str(tmp_path / "mine"))

    def write(folder: str = "site-packages", **modules: str) -> str:
        name = f"pack{next(_numbers)}"
        (tmp_path / folder / name).mkdir(parents=True)
        for module, text in {"__init__": "", **modules}.items():
            (tmp_path / folder / name / f"{module}.py").write_text(text)
        importlib.invalidate_caches()
        return name

    return write


def caught(name: str) -> BaseException:
    with pytest.raises(BaseException) as raised:
        importlib.import_module(name)
    return raised.value


@pytest.mark.parametrize(
    "text",
    [
        "raise ImportError('libx.so.1: cannot open shared object file')",
        "raise OSError('libx.so.1: cannot open shared object file')",
        "raise ValueError('numpy.dtype size changed')",
        "from .sub import it",
    ],
)
def test_what_a_package_raises_while_it_is_imported_is_its_own(package, text):
    name = package(__init__=text, sub="def it(): ...\nraise AttributeError('gone')")
    told = unusable(caught(name))
    assert told.what.startswith(f"the package '{name}' cannot be imported: ") and told.exit_code == 2
    assert told.where.endswith(("__init__.py:1", "sub.py:2")) and told.hint == f"pip install --force-reinstall {name}"


def test_a_folder_that_stands_before_an_installed_package_may_be_none_of_its_own(package, monkeypatch):
    name = package("mine", __init__="raise OSError('libx.so.1: cannot open shared object file')")
    monkeypatch.setattr("benchbed.packages._installable", lambda: frozenset([name]))
    told = unusable(caught(name))
    assert told.hint.startswith(f"pip install --force-reinstall {name}; or, if that file is none of its own")
    assert "PYTHONPATH" in told.hint


@pytest.mark.parametrize("text", ["open('weights-of-none.bin')", "{}['key']"])
def test_what_a_module_of_the_users_raises_is_no_package_to_install(package, text):
    assert unusable(caught(package("mine", __init__=text))) is None
    assert unusable(caught(package("mine", __init__="from .part import it", part=text))) is None


def test_a_part_that_a_module_of_the_users_lacks_is_nothing_to_install(package):
    mine = package("mine")
    assert unusable(caught(f"{mine}.part")) is None
    with pytest.raises(ImportError) as raised:
        exec(f"from {mine} import part")
    assert unusable(raised.value) is None


def test_a_broken_package_below_a_module_of_the_users_is_named(package):
    name = package(__init__="raise ImportError('no libc.so.9')")
    told = unusable(caught(package("mine", __init__=f"import {name}")))
    assert told.what == f"the package '{name}' cannot be imported: ImportError: no libc.so.9" and name in told.hint
    told = unusable(caught(package("mine", __init__="import no_such_package")))
    assert told.what == "the package 'no_such_package' is not installed"


def test_a_package_that_another_one_breaks_is_named_and_the_other_one_mended(package):
    inner = package(__init__="raise ImportError('no libc.so.9')")
    outer = package(__init__=f"import {inner}")
    told = unusable(caught(outer))
    assert f"'{outer}' cannot be imported: ImportError: no libc.so.9" in told.what
    assert f"--force-reinstall {inner}" in told.hint and inner in told.where


def test_what_a_package_lacks_is_installed(package):
    outer = package(__init__="import pkg_resources_of_old")
    told = unusable(caught(outer))
    assert outer in told.what and told.hint == "pip install pkg-resources-of-old"
    told = unusable(caught("no_such_package"))
    assert told.what == "the package 'no_such_package' is not installed" and told.where is None
    told = unusable(caught(package(__init__="import _lzma_of_none") + "x"))
    assert "is not installed" in told.what
    assert pip_name("transformers") == "'benchbed[hf]'"


def test_a_page_of_advice_around_a_reason_is_left_out(package):
    name = package(
        __init__="try:\n    raise ImportError('libblas.so.3: gone')\n"
        "except ImportError as e:\n    raise ImportError('PLEASE READ THIS\\n\\n' * 20) from e"
    )
    assert unusable(caught(name)).what.endswith("ImportError: libblas.so.3: gone")


def test_a_part_of_python_that_was_left_out_is_not_installed_by_pip(package, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "_lzma", None)
    told = unusable(caught(package(__init__="import _lzma")))
    assert "this Python was built without it" in told.hint


def test_other_errors_are_nobodys():
    def asked() -> None:
        raise ValueError("no import of anything")

    for error in (ValueError("x"), ImportError("cannot import name 'x' from 'benchbed.audio'", name="benchbed.audio")):
        assert unusable(error) is None
    with pytest.raises(ValueError) as raised:
        asked()
    assert unusable(raised.value) is None


def test_a_full_disk_and_an_interrupted_import_are_no_broken_package(package):
    assert unusable(caught(package(__init__=f"raise OSError({errno.ENOSPC}, 'No space left on device')"))) is None
    assert unusable(caught(package(__init__="raise KeyboardInterrupt"))) is None


@pytest.mark.parametrize("text", ["{}['key']", "raise OSError('no libx')", "from .part import it"])
def test_what_is_asked_for_as_a_package_is_one_wherever_it_lies(package, text):
    name = package("mine", __init__=text, part="raise ImportError('no libc.so.9')")
    error = caught(name)
    assert unusable(error) is None
    told = unusable(error, asked=name)
    assert told.what.startswith(f"the package '{name}' cannot be imported: ") and told.where.startswith("/")
    assert told.hint.startswith(f"pip install --force-reinstall {name}; or,") and "PYTHONPATH" in told.hint
    with pytest.raises(PackageError, match=f"opus cannot be made here: the package '{name}' cannot"):
        need([name], "opus")


def test_what_is_needed_is_told_with_what_for_and_where(package):
    name = package(__init__="raise ImportError('gone')")
    with pytest.raises(PackageError) as raised:
        need(["json", name], "opus", "suite.yaml:7")
    said = str(raised.value)
    assert said.startswith(f"opus cannot be made here: the package '{name}' cannot be imported: ImportError: gone")
    assert "asked for at suite.yaml:7" in said


def test_an_import_is_told_as_the_kind_of_its_place_with_the_other_way_out(package):
    name = package(__init__="raise ImportError('gone')")
    with pytest.raises(CannotMeasure) as raised, imported_for("energy needs it", CannotMeasure, "leave it out"):
        importlib.import_module(name)
    told = raised.value
    assert told.what == f"energy needs it: the package '{name}' cannot be imported: ImportError: gone"
    assert told.where.endswith("__init__.py:1")
    assert told.hint == f"pip install --force-reinstall {name}, or leave it out"


def test_what_no_import_raises_passes_as_it_is():
    with pytest.raises(KeyError, match="mine"), imported_for("energy needs it", CannotMeasure):
        raise KeyError("mine")

"""The walls of the house: no kind's name outside its rooms, no circle, no private name of a neighbour."""

from __future__ import annotations

import ast
import importlib
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import grimp
import pytest

from benchbed.adapter.contract import Adapter
from benchbed.outputs import OUTPUTS, output_of

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "benchbed"

#: Names of kinds of output, those to come among them.
KINDS = frozenset(
    {
        "scene",
        "tags",
        "frames",
        "tracks",
        "caption",
        "embedding",
        "moments",
        "anomaly",
        "similarity",
        "count",
        "item_score",
    }
)

#: Every comparison with a kind's name outside `outputs` and the files that are named after a kind, and why it stays.
COMPARED = {
    "adapter/exported.py": (2, "an adapter's own option says what a file of unknown origin gives"),
    "data/assemble.py": (2, "the column of labels holds one text, or a tuple of them"),
    "data/check.py": (2, "the column of labels holds one text, or a tuple of them"),
    "data/layouts/folder.py": (2, "an option of the layout says how its table writes labels"),
    "data/captioned.py": (1, "a column of a table, which happens to be called like a kind"),
    "gate/quantity.py": (2, "a unit of quantities, which happens to be called like a kind"),
    "report/panels.py": (2, "titles of axes, which happen to be called like kinds"),
    "tables/events.py": (1, "a column of a table of events, which happens to be called like a kind"),
}
MOST = 20


def named(node: ast.AST) -> set[str]:
    """Kinds that a literal names."""
    if isinstance(node, ast.Constant):
        return {node.value} & KINDS if isinstance(node.value, str) else set()
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return set().union(*map(named, node.elts))
    return set()


def comparisons(source: str) -> int:
    """Comparisons with kinds' names, branches of a match, and tables that are looked up by several kinds."""
    count = 0
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            count += bool(set().union(named(node.left), *map(named, node.comparators)))
        elif isinstance(node, ast.MatchValue):
            count += bool(named(node.value))
        elif isinstance(node, ast.Dict):
            count += len(set().union(*(named(key) for key in node.keys if key is not None))) > 1
    return count


def files() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), path


def test_no_code_outside_its_rooms_asks_for_a_kind_by_name():
    assert set(OUTPUTS.names()) <= KINDS
    outside = {name: path for name, path in files() if not name.startswith("outputs/") and path.stem not in KINDS}
    counted = {name: comparisons(path.read_text()) for name, path in outside.items()}
    assert {name: count for name, count in counted.items() if count} == {name: n for name, (n, _) in COMPARED.items()}
    assert sum(counted.values()) <= MOST and all(why for _, why in COMPARED.values())


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("task == 'frames'", 1),
        ("task not in ('scene', 'tags')", 1),
        ("{'scene': 1, 'tags': 2}[task]", 1),
        ("match task:\n case 'tags': pass\n case 'frames': pass", 2),
        ("output_of(task).hears == 'windows'\ntask = 'scene'\n{'scene': place}", 0),
    ],
)
def test_the_count_sees_every_way_to_branch(source, count):
    assert comparisons(source) == count


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("benchbed", exclude_type_checking_imports=True, cache_dir=None)


@cache
def imports() -> dict[str, set[str]]:
    """Module → what it imports, inside functions and for types alone, too.

    The top of the package is left out: it names its own parts lazily, and they take its version.
    """
    known = grimp.build_graph("benchbed", exclude_type_checking_imports=False, cache_dir=None)
    modules = known.modules - {"benchbed"}
    return {module: set(known.find_modules_directly_imported_by(module)) & modules for module in modules}


def circles(left: dict[str, set[str]]) -> list[str]:
    """What lies on a circle, or between two."""
    # What imports nothing that is left, and what nothing that is left imports, is in no circle.
    while left:
        inner = {one for one, imported in left.items() if imported & left.keys()}
        inner &= {one for imported in left.values() for one in imported}
        if len(inner) == len(left):
            break
        left = {one: left[one] & inner for one in inner}
    return sorted(left)


def rooms(under: str, depth: int) -> dict[str, set[str]]:
    """Rooms below a package, each with the rooms whose modules its own import."""
    found: dict[str, set[str]] = {}
    for module, imported in imports().items():
        room = ".".join(module.split(".")[:depth])
        others = {".".join(one.split(".")[:depth]) for one in imported if one.startswith(f"{under}.")}
        if module.startswith(f"{under}."):
            found[room] = found.get(room, set()) | others - {room}
    return found


#: Packages with packages of their own.
DEEP = ("adapter", "api", "attack", "data", "metrics", "outputs", "perturb", "profile", "report", "run")


def test_the_search_finds_circles_and_nothing_else():
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == ["b", "c"]


def test_imports_of_modules_make_no_circle():
    """Not even by way of imports inside functions, or for types alone: what is needed later lies lower."""
    assert not circles(dict(imports()))


@pytest.mark.parametrize(
    ("under", "depth"),
    [
        ("benchbed", 2),
        *((f"benchbed.{room}", 3) for room in ("run", "metrics", "outputs", "attack", "adapter", "report")),
    ],
)
def test_rooms_make_no_circle(under, depth):
    """Modules without circles may still lie in rooms that import each other both ways."""
    drawn = rooms(under, depth)
    assert len(drawn) > 5 and not circles(drawn)


def test_rooms_within_rooms_make_no_circle():
    assert not circles(rooms("benchbed.run.attacking", 4)) and not circles(rooms("benchbed.run.showing", 4))


def test_every_module_can_be_imported():
    """A name that moved is still taken from where it was, in a module that nothing of this suite runs."""
    for name, _ in files():
        if not name.startswith("_shipped") and not name.endswith("__main__.py"):
            importlib.import_module("benchbed." + name.removesuffix(".py").removesuffix("/__init__").replace("/", "."))


def test_no_private_name_is_imported_by_a_neighbour():
    taken = []
    for name, path in files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("benchbed"):
                private = [one.name for one in node.names if one.name.startswith("_") and not one.name.endswith("__")]
                taken += [f"{name}: {one} of {node.module}" for one in private]
    assert not taken


def test_what_an_adapter_may_offer_is_asked_of_its_contract():
    """Every such attribute stands in the contract with its default, so that nobody asks whether it is there."""
    offered = {*Adapter.__annotations__, "meet", "load", "weights", "close"}
    probed = []
    for name, path in files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("getattr", "hasattr"):
                asked = node.args[1].value if isinstance(node.args[1], ast.Constant) else None
                if asked in offered and "adapter" in ast.unparse(node.args[0]):
                    probed.append(f"{name}: {ast.unparse(node)}")
    assert not probed


def test_the_engine_knows_no_attacks():
    above = "benchbed.run.attacking"
    for module in graph().find_descendants("benchbed.run.computing"):
        imported = graph().find_modules_directly_imported_by(module)
        assert not [one for one in imported if one.startswith((above, "benchbed.attack"))], module


#: Folders whose modules are entries of a registry, which contract tests walk through.
WALKED = (
    "benchbed.attack.attacks",
    "benchbed.data.layouts",
    "benchbed.metrics.families",
    "benchbed.outputs",
    "benchbed.perturb.corruptions",
    "benchbed.profile.energy",
)


def test_the_modules_that_no_test_names_are_listed():
    """A module has a test if a test imports or names it, or runs an example of it; others are tested through a
    neighbour only, and stand in `untested.txt`, which may only shrink."""
    named: set[str] = set()
    for path in (ROOT / "tests").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        named |= set(re.findall(r"benchbed(?:\.\w+)+", text))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("benchbed"):
                named |= {f"{node.module}.{one.name}" for one in node.names}
    without = set()
    for name, path in files():
        module = "benchbed." + name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        text = path.read_text(encoding="utf-8")
        empty = len(ast.parse(text).body) < 2
        if not empty and ">>> " not in text and module not in named and module.rpartition(".")[0] not in WALKED:
            without.add(module)
    listed = set((ROOT / "tests" / "untested.txt").read_text().split())
    more, gone = sorted(without - listed), sorted(listed - without)
    assert not more, f"these have no test: {', '.join(more)}"
    assert not gone, f"take these off tests/untested.txt: {', '.join(gone)}"


def test_public_classes_have_names_of_their_own():
    """Who reads a name in one module has not met it in another with another meaning."""
    homes: dict[str, list[str]] = {}
    for name, path in files():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(name)
    twins = {name: places for name, places in homes.items() if len(places) > 1}
    assert not twins and len(homes) > 200


def test_every_room_stands_in_the_table_of_the_first_page():
    table = (ROOT / "README.md").read_text().partition("| room |")[2].partition("\n\n")[0]
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")} - {"_shipped"}
    stages = {path.parent.name for path in (PACKAGE / "run").glob("*/__init__.py")}
    named = set(re.findall(r"`(\w+)`", table))
    assert packages | stages <= named, f"not in the table: {', '.join(sorted((packages | stages) - named))}"


def test_every_kind_has_a_contract_that_is_kept():
    for kind in OUTPUTS.names():
        output = output_of(kind)
        assert output.name == kind and output.version >= 1 and output.title
        assert Counter(output.columns).most_common(1)[0][1] == 1


#: Words that say nothing of what they hold.
EMPTY = frozenset({"found", "made", "held"})
#: Lines of code from which a function is too long for them; a docstring is none.
SHORT = 20


def long_functions(source: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Functions of more than so many lines of code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            said = ast.get_docstring(node) is not None
            if said and len(node.body) == 1:
                continue
            first = node.body[1] if said else first
            if (node.end_lineno or 0) - first.lineno + 1 > SHORT:
                yield node


def empty_names(function: ast.AST) -> set[str]:
    """Variables and parameters with such a name."""
    taken = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    taken |= {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return taken & EMPTY


def test_long_functions_call_what_they_hold_by_the_fields_nouns():
    called = [
        f"{name}:{function.lineno} {function.name}: {', '.join(sorted(empty_names(function)))}"
        for name, path in files()
        for function in long_functions(path.read_text(encoding="utf-8"))
        if empty_names(function)
    ]
    assert not called, "call these scores, rows, cells, …: " + "; ".join(called)


@pytest.mark.parametrize(("lines", "name", "seen"), [(20, "made", []), (21, "made", ["made"]), (21, "rows", [])])
def test_the_search_for_names_counts_lines_of_code(lines, name, seen):
    body = "".join(f"    {name} = {number}\n" for number in range(lines))
    source = f'def f():\n    """One.\n\n    More.\n    """\n{body}'
    assert [each for function in long_functions(source) for each in empty_names(function)] == seen


def test_no_two_test_files_share_a_name():
    """pytest knows a file in a folder without `__init__.py` by its name alone, and refuses the second."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []

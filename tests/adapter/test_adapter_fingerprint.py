"""The fingerprint of a model: equal where nothing changed, another one for every change of what was loaded."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.numpy import save_file

from benchbed import audio
from benchbed.adapter import Adapter, Card
from benchbed.adapter.digests import unchanged
from benchbed.adapter.fingerprint import fingerprint
from benchbed.adapter.load import LoadedAdapter, load_adapter, start
from benchbed.adapter.own_code import own_code
from benchbed.adapter.state import state_of
from benchbed.adapter.watch import WatchedFiles, place_of, watching, with_external_data

CARD = 'Card(name="mine", family="mlp", output="scene", labels=("a", "b"), sample_rate=8000)'


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))


def adapter_text(head: str = "", init: str = "pass", load: str = "pass", base: str = "Adapter") -> str:
    return f"""
from pathlib import Path
import numpy as np
from benchbed.adapter import Adapter, Card, TorchAdapter
{head}

class Mine({base}):
    card = {CARD}

    def __init__(self, *, checkpoint: Path = Path("none"), note: str = ""):
        {init}

    def {"build(self)" if base == "TorchAdapter" else 'load(self, device="cpu")'}:
        {load}

    def predict(self, batch):
        return np.zeros((len(batch), 2), np.float32)
"""


def loaded(path: Path, **options) -> LoadedAdapter:
    made = load_adapter(str(path), options)
    start(made)
    return made


def save(path: Path, kind: str, value: float) -> None:
    array = np.full(3, value, np.float32)
    if kind == "npy":
        with path.open("wb") as file:
            np.save(file, array)
    elif kind == "torch":
        torch.save({"weight": torch.from_numpy(array)}, path)
    elif kind == "safetensors":
        save_file({"weight": array}, path)
    elif kind == "wav":
        soundfile.write(path, array / 4, 8000, subtype="FLOAT", format="WAV")
    elif kind == "sqlite":
        path.unlink(missing_ok=True)
        with sqlite3.connect(path) as base:
            base.execute("create table weights as select ? as value", (value,))
        base.close()
    elif kind == "jit":
        net = torch.nn.Linear(1, 1)
        torch.nn.init.constant_(net.weight, value)
        torch.jit.script(net).save(str(path))
    elif kind == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table({"weight": array}), path)
    else:
        path.write_text(str(value))


#: How an adapter may read its weights: kind of file → what `load` does. None keeps a torch module or array.
READING = {
    "text": "len(Path(PATH).read_text())",
    "npy": "np.load(PATH).sum()",
    "torch": "__import__('torch').load(PATH, weights_only=True)['weight'].tolist()",
    "safetensors": "__import__('safetensors.numpy').numpy.load_file(PATH)['weight'].tolist()",
    "wav": "__import__('soundfile').read(PATH)[0].tolist()",
    "sqlite": "__import__('sqlite3').connect(PATH).execute('select * from weights').fetchall()",
    "jit": "str(__import__('torch').jit.load(PATH).weight.item())",
    "parquet": "__import__('pyarrow.parquet').parquet.read_table(PATH).to_pydict()",
    "program": "__import__('subprocess').run(['cat', PATH], capture_output=True)",
    "os.open": "__import__('os').read(__import__('os').open(PATH, 0), 10)",
}


@pytest.mark.parametrize("kind", READING)
@pytest.mark.parametrize("where", ["import", "constructor", "load"])
def test_a_file_that_is_read_while_loading_is_part_of_the_model_whoever_opens_it(tmp_path, kind, where):
    path = tmp_path / "sub" / "weights.bin"
    path.parent.mkdir()
    line = READING[kind].replace("PATH", repr(str(path)))
    places = {"import": "head", "constructor": "init", "load": "load"}
    write(tmp_path, {"mine.py": adapter_text(**{places[where]: f"got = {line}"})})
    save(path, kind, 1.0)
    first = loaded(tmp_path / "mine.py").fingerprint
    assert "sub/weights.bin" in first.files
    assert loaded(tmp_path / "mine.py").fingerprint == first
    save(path, kind, 2.0)
    assert loaded(tmp_path / "mine.py").fingerprint.id != first.id
    assert not first.holds()


def test_two_files_of_one_name_are_two_files(tmp_path):
    for name, value in (("a", 1.0), ("b", 2.0)):
        (tmp_path / name).mkdir()
        save(tmp_path / name / "best.npy", "npy", value)
    load = "a, b = (np.load(Path(__file__).parent / n / 'best.npy') for n in 'ab')"
    write(tmp_path, {"mine.py": adapter_text(load=load)})
    first = loaded(tmp_path / "mine.py").fingerprint
    save(tmp_path / "a" / "best.npy", "npy", 2.0)
    save(tmp_path / "b" / "best.npy", "npy", 1.0)
    assert loaded(tmp_path / "mine.py").fingerprint.id != first.id


@pytest.mark.parametrize("option", ["checkpoint", "note"])
def test_a_file_that_an_option_names_counts_also_if_it_is_read_later(tmp_path, option):
    write(tmp_path, {"mine.py": adapter_text(), "w.bin": "1"})
    given = {option: str(tmp_path / "w.bin")}
    first = loaded(tmp_path / "mine.py", **given).fingerprint
    (tmp_path / "w.bin").write_text("2")
    assert loaded(tmp_path / "mine.py", **given).fingerprint.id != first.id


def test_a_folder_that_an_option_names_counts_with_all_in_it(tmp_path):
    write(tmp_path, {"mine.py": adapter_text(), "model/config.json": "{}", "model/deep/w.bin": "1"})
    first = loaded(tmp_path / "mine.py", checkpoint=tmp_path / "model").fingerprint
    write(tmp_path, {"model/deep/w.bin": "2"})
    second = loaded(tmp_path / "mine.py", checkpoint=tmp_path / "model").fingerprint
    write(tmp_path, {"model/new.bin": ""})
    assert len({first.id, second.id, loaded(tmp_path / "mine.py", checkpoint=tmp_path / "model").fingerprint.id}) == 3


def test_weights_that_build_loads_itself_and_weights_from_nowhere_count(tmp_path):
    build = "import torch; net = torch.nn.Linear(2, 2); torch.nn.init.constant_(net.weight, {}); {} return net"
    text = adapter_text(base="TorchAdapter", load=build.format(1, "torch.nn.init.zeros_(net.bias);"))
    write(tmp_path, {"mine.py": text})
    first = loaded(tmp_path / "mine.py")
    assert set(first.fingerprint.state) == {"model"}
    again = loaded(tmp_path / "mine.py")
    assert again.fingerprint.id == first.fingerprint.id
    with torch.no_grad():
        again.adapter.model.bias[1] = torch.nextafter(torch.tensor(0.0), torch.tensor(1.0))
    assert again.fingerprint.id != first.fingerprint.id


SIBLINGS = {
    "beside": ("from .net import value", "net.py"),
    "beside, through another": ("from . import middle", "net.py"),
    "in a function": ("def later():\n    from .net import value", "net.py"),
    "on the search path": ("import onpath", "lib/onpath.py"),
    "package on the search path": ("from pack.inner.deep import value", "lib/pack/inner/deep.py"),
    "head of a package on the way": ("from pack.inner.deep import value", "lib/pack/__init__.py"),
    "by a name that no text shows": ("import importlib\ngot = importlib.import_module('on' + 'path')", "lib/onpath.py"),
}


@pytest.mark.parametrize("how", SIBLINGS)
def test_code_of_the_user_counts_wherever_it_lies(tmp_path, monkeypatch, how):
    head, changed = SIBLINGS[how]
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    files = {
        "mine.py": adapter_text(head=head),
        "net.py": "value = 1",
        "middle.py": "import os\nfrom .net import value",
        "lib/onpath.py": "value = 1",
        "lib/pack/__init__.py": "value = 1",
        "lib/pack/inner/__init__.py": "value = 1",
        "lib/pack/inner/deep.py": "value = 1",
    }
    write(tmp_path, files)
    first = loaded(tmp_path / "mine.py").fingerprint
    assert loaded(tmp_path / "mine.py").fingerprint == first
    before = (tmp_path / changed).stat()
    write(tmp_path, {changed: "value = 2"})
    # Same size, and the same time of change: Python alone would run what lies in `__pycache__`.
    os.utime(tmp_path / changed, ns=(before.st_atime_ns, before.st_mtime_ns))
    second = loaded(tmp_path / "mine.py")
    assert second.fingerprint.id != first.id
    assert second.source_hash != first.code.get("mine.py")
    for name in ("onpath", "pack", "pack.inner", "pack.inner.deep"):
        sys.modules.pop(name, None)


def test_what_is_fingerprinted_is_what_runs(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    text = adapter_text(head="import livenet\nfrom . import beside", init="self.got = np.array([livenet.V, beside.V])")
    write(tmp_path, {"mine.py": text, "lib/livenet.py": "V = 1", "beside.py": "V = 1"})
    subprocess.run(
        [sys.executable, "-c", "import livenet, beside"], cwd=tmp_path, env=_with(tmp_path / "lib", tmp_path)
    )
    assert loaded(tmp_path / "mine.py").adapter.got.tolist() == [1, 1]
    for name in ("lib/livenet.py", "beside.py"):
        before = (tmp_path / name).stat()
        write(tmp_path, {name: "V = 2"})
        os.utime(tmp_path / name, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert loaded(tmp_path / "mine.py").adapter.got.tolist() == [2, 2]
    sys.modules.pop("livenet", None)


def _with(*folders: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}


def installed(folder: Path, name: str, version: str) -> None:
    """A package as pip leaves it in a folder of packages."""
    write(
        folder,
        {
            f"{name}/__init__.py": "value = 1",
            f"{name}-1.dist-info/METADATA": f"""\
                Metadata-Version: 2.1
                Name: {name}
                Version: {version}
                Requires-Dist: planted-below; python_version > "3"
                Requires-Dist: planted-extra; extra == "all"
                """,
            f"{name}-1.dist-info/RECORD": f"{name}/__init__.py,,",
        },
    )


@pytest.mark.parametrize("changed", ["planted_top", "planted_below"])
def test_versions_of_installed_packages_count_with_those_that_they_require(tmp_path, changed):
    # In processes of their own: what is installed is looked up once in each.
    write(tmp_path, {"mine.py": adapter_text(load="import planted_top")})
    script = "import sys\nfrom benchbed.adapter.load import load_adapter, start\n"
    script += "made = load_adapter('mine.py'); start(made); f = made.fingerprint; print(f.id, sorted(f.below.items()))"

    def asked() -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=tmp_path,
            env=_with(tmp_path / "site-packages"),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return tuple(done.stdout.split(" ", 1))  # type: ignore[return-value]

    for name in ("planted_top", "planted_below"):
        installed(tmp_path / "site-packages", name, "1.0")
    first = asked()
    assert "'planted_top': '1.0'" in first[1]
    installed(tmp_path / "site-packages", changed, "1.1")
    second = asked()
    assert second[1] != first[1] and second[0] == first[0], "versions stand apart, for `--reuse always`"


def test_what_a_package_reads_while_it_is_imported_is_its_own_affair(tmp_path, monkeypatch):
    folder = tmp_path / "site-packages"
    installed(folder, "fonts", "1.0")
    write(folder, {"fonts/__init__.py": f"text = open({str(tmp_path / 'cache.json')!r}).read()"})
    write(tmp_path, {"mine.py": adapter_text(head="import fonts"), "cache.json": "1"})
    monkeypatch.syspath_prepend(str(folder))
    assert "cache.json" not in loaded(tmp_path / "mine.py").fingerprint.files
    sys.modules.pop("fonts", None)


def test_what_the_model_writes_itself_is_no_part_of_it(tmp_path):
    line = "p = Path(__file__).parent / 'log.txt'; p.write_text('x'); got = p.read_text(); "
    line += "f = open(Path(__file__).parent / 'more.txt', 'a+'); f.write('y'); f.close()"
    write(tmp_path, {"mine.py": adapter_text(load=line)})
    assert loaded(tmp_path / "mine.py").fingerprint.files == {}


def test_benchbeds_own_modules_count_as_far_as_the_adapter_imports_them(tmp_path):
    write(
        tmp_path, {"a.py": adapter_text(), "b.py": adapter_text(load="from benchbed.adapter.mel import MelSpectrogram")}
    )
    one, other = own_code([tmp_path / "a.py"]).ours, own_code([tmp_path / "b.py"]).ours
    assert "benchbed.adapter" in one and other - one == {"benchbed.adapter.mel"}


def test_the_state_is_found_wherever_an_adapter_holds_it():
    class Holder:
        def __init__(self):
            self.deep = {"list": [torch.nn.Linear(1, 1), np.arange(3.0)]}

    class Held(Adapter):
        card = Card(name="held", family="x", output="scene", labels=("a", "b"), sample_rate=8000)
        shared = torch.ones(2)

        def __init__(self):
            self.holder, self.plain = Holder(), torch.zeros(2, dtype=torch.bfloat16)
            self.itself = self

        def predict(self, batch):
            return np.zeros((len(batch), 2), np.float32)

    adapter = Held()
    names = set(state_of(adapter))
    assert names == {"plain", "Held.shared", "holder.deep['list'][0]", "holder.deep['list'][1]"}
    before = fingerprint(adapter, source=None).id
    adapter.holder.deep["list"][1][2] = 7
    assert fingerprint(adapter, source=None).id != before


@pytest.mark.parametrize(
    "make",
    [
        lambda v: torch.nn.Linear(2, 2).to(torch.float16).requires_grad_(False).apply(lambda m: m.weight.fill_(v)),
        lambda v: torch.nn.BatchNorm1d(2, track_running_stats=True).apply(lambda m: m.running_mean.fill_(v)),
        lambda v: torch.nn.ParameterList([torch.full((0, 3), v), torch.full((2,), v, dtype=torch.complex64)]),
        lambda v: torch.ao.nn.quantized.Linear(2, 2).apply(
            lambda m: m.set_weight_bias(torch.quantize_per_tensor(torch.full((2, 2), v), 0.1, 0, torch.qint8), None)
        ),
        lambda v: torch.nn.Dropout(0.5).train(v > 1),
    ],
    ids=["half", "buffer", "empty and complex", "quantised", "mode"],
)
@pytest.mark.filterwarnings("ignore")
def test_states_of_all_types_are_told_apart(make):
    class Held(Adapter):
        card = Card(name="held", family="x", output="scene", labels=("a", "b"), sample_rate=8000)

        def __init__(self, net):
            self.net = net

        def predict(self, batch):
            return np.zeros((len(batch), 2), np.float32)

    torch.manual_seed(0)
    one = state_of(Held(make(1.0)))
    torch.manual_seed(0)
    assert state_of(Held(make(1.0))) == one
    torch.manual_seed(0)
    assert state_of(Held(make(2.0))) != one


def test_modules_without_values_yet_have_a_state():
    class Held(Adapter):
        card = Card(name="held", family="x", output="scene", labels=("a", "b"), sample_rate=8000)

        def __init__(self):
            self.net = torch.nn.LazyLinear(2)
            self.ghost = torch.nn.Linear(2, 2, device="meta")
            self.sparse = torch.eye(3).to_sparse()

        def predict(self, batch):
            return np.zeros((len(batch), 2), np.float32)

    assert state_of(Held()) == state_of(Held())


def test_external_data_of_onnx_is_found_without_the_package(tmp_path):
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    def graph(name: str, tensor: str, inner=None):
        weight = numpy_helper.from_array(np.arange(400, dtype=np.float32), tensor)
        nodes = [helper.make_node("Identity", [tensor], [f"{name}_out"])]
        if inner is not None:
            condition = helper.make_node("Constant", [], ["yes"], value=numpy_helper.from_array(np.array(True), "c"))
            nodes += [condition, helper.make_node("If", ["yes"], ["z"], then_branch=inner, else_branch=inner)]
        out = helper.make_tensor_value_info(f"{name}_out", TensorProto.FLOAT, [400])
        return helper.make_graph(nodes, name, [], [out], [weight])

    inside = graph("inside", "inner_weight")
    model = helper.make_model(graph("outside", "w", inside), opset_imports=[helper.make_opsetid("", 17)])
    long = f"{'x' * 150}.bin"
    (tmp_path / "deep").mkdir()
    for number, tensor in enumerate([model.graph.initializer[0], model.graph.node[-1].attribute[0].g.initializer[0]]):
        place = ("deep/first.bin", long)[number]
        onnx.external_data_helper.set_external_data(tensor, location=place)
        (tmp_path / place).write_bytes(tensor.raw_data)
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    found = with_external_data(tmp_path / "net.onnx")
    assert found == [tmp_path / "net.onnx", tmp_path / "deep" / "first.bin", tmp_path / long]
    (tmp_path / "net.onnx.bak").touch()
    assert with_external_data(tmp_path / "net.onnx") == found
    assert with_external_data(tmp_path / "missing.onnx") == [tmp_path / "missing.onnx"]


def test_onnxruntime_and_its_external_data_are_seen_without_any_option(tmp_path):
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    def make(value: float) -> None:
        for name in ("net.onnx", "w.bin"):
            (tmp_path / name).unlink(missing_ok=True)
        bias = numpy_helper.from_array(np.array([[value, 0]], np.float32), "b")
        value_info = helper.make_tensor_value_info
        io = [value_info("x", TensorProto.FLOAT, [1, 2])], [value_info("y", TensorProto.FLOAT, [1, 2])]
        graph = helper.make_graph([helper.make_node("Add", ["x", "b"], ["y"])], "g", *io, [bias])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(
            model,
            tmp_path / "net.onnx",
            save_as_external_data=True,
            all_tensors_to_one_file=True,
            location="w.bin",
            size_threshold=0,
        )

    head = "import onnxruntime\nfrom onnxruntime import InferenceSession"
    load = "self.session = InferenceSession(str(Path(__file__).parent / 'net.onnx'))"
    write(tmp_path, {"mine.py": adapter_text(head=head, load=load)})
    make(1.0)
    first = loaded(tmp_path / "mine.py").fingerprint
    assert set(first.files) == {"net.onnx", "w.bin"} and "onnxruntime" in first.packages
    make(2.0)
    second = loaded(tmp_path / "mine.py").fingerprint
    assert second.files["net.onnx"] == first.files["net.onnx"] and second.id != first.id


def test_readers_are_as_they_were_when_nothing_is_watched(tmp_path):
    before = soundfile.SoundFile.__init__
    write(tmp_path, {"mine.py": adapter_text(load="assert __import__('soundfile').SoundFile.__init__ is not None")})
    loaded(tmp_path / "mine.py")
    assert soundfile.SoundFile.__init__ is before
    assert not any(type(finder).__module__ == "benchbed.adapter.watch" for finder in sys.meta_path)


def test_a_file_that_is_opened_to_be_changed_counts_if_it_is_only_read(tmp_path):
    mapped, plain, changed, made = (tmp_path / name for name in ("mapped", "plain", "changed", "made"))
    for file in (mapped, plain, changed):
        file.write_bytes(b"12345678")
    with watching(WatchedFiles()) as seen:
        assert np.memmap(mapped, np.uint8)[0] == ord("1")  # its mode is r+ unless one says another
        handle = os.open(plain, os.O_RDWR)
        assert os.read(handle, 1) == b"1"
        os.close(handle)
        with changed.open("r+b") as file:
            file.write(b"123456789")
        made.write_bytes(b"1")
        made.open("r+b").close()
    assert seen.paths() == [mapped, plain]


def test_nobody_looks_where_a_clip_belongs_that_benchbed_opens_itself(tmp_path):
    """A run watches a model while it opens clips by the million, each of which that would take longer than to read."""
    first, second = tmp_path / "first.wav", tmp_path / "second.wav"
    for file in (first, second):
        soundfile.write(file, np.zeros(800), 8000)
    with watching(WatchedFiles()) as seen:
        audio.read(first)
        looked = place_of.cache_info().misses
        audio.read(second)
        assert not seen.files and place_of.cache_info().misses == looked
        second.read_bytes()
    assert list(seen.files) == [str(second)]


def test_unchanged_looks_at_every_file(tmp_path):
    write(tmp_path, {"a.txt": "1"})
    from benchbed.adapter.digests import digest_file

    known = {"a.txt": digest_file(tmp_path / "a.txt")}
    assert unchanged(known, tmp_path) and unchanged({}, tmp_path)
    write(tmp_path, {"a.txt": "2"})
    assert not unchanged(known, tmp_path)
    (tmp_path / "a.txt").unlink()
    assert not unchanged(known, tmp_path)


TABLE = """
import json
from pathlib import Path
LABELS = json.loads((Path(__file__).parent / "labels.json").read_text())
"""

FRESH = """
import json, sys
from benchbed.adapter.load import load_adapter, start
for path in sys.argv[1:]:
    made = load_adapter(path, {})
    start(made)
print(json.dumps([made.fingerprint.content, made.fingerprint.below], sort_keys=True))
"""


def in_a_new_process(*paths: Path, first: str = "", folder: Path) -> list:
    """Fingerprint of the last of some adapters in a process that has loaded the others before."""
    code = f"{first}\n{FRESH}"
    env = {**_with(folder), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, paths)], capture_output=True, text=True, check=True, env=env
    )
    return json.loads(done.stdout)


ORDERS = {
    "a table that a shared module reads at its head": ("import common", "import common", "import json"),
    "a module that an option chooses": (
        "import importlib\nimportlib.import_module('back' + 'bone_b')",
        "import importlib\nimportlib.import_module('back' + 'bone_a')",
        "import json",
    ),
    "a module that is there already": (
        "import importlib\ngot = importlib.import_module('back' + 'bone_a')",
        "__import__('back' + 'bone_a')",
        "import backbone_a",
    ),
    "packages that others have loaded": ("", "import torch, scipy.signal, pandas", "import torch, pandas, soundfile"),
}


@pytest.mark.parametrize("what", ORDERS)
def test_a_fingerprint_does_not_depend_on_what_the_process_did_before(tmp_path, what):
    mine, other, first = ORDERS[what]
    lib = tmp_path / "lib"
    write(
        tmp_path,
        {
            "mine.py": adapter_text(head=mine),
            "other.py": adapter_text(head=other),
            "lib/common.py": TABLE,
            "lib/labels.json": "[1]",
            "lib/backbone_a.py": "value = 1",
            "lib/backbone_b.py": "value = 1",
        },
    )
    alone = in_a_new_process(tmp_path / "mine.py", folder=lib)
    after = in_a_new_process(tmp_path / "other.py", tmp_path / "mine.py", first=first, folder=lib)
    assert after == alone
    if "common" in mine:
        assert "lib/labels.json" in alone[0]["files"]
    if "backbone" in mine.replace("' + '", ""):
        assert [name for name in alone[0]["code"] if "backbone" in name] == [f"lib/backbone_{mine[-3]}.py"]


def test_a_table_that_was_read_at_a_head_is_read_anew_once_it_has_changed(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    text = adapter_text(head="import commontable", init="self.got = np.array(commontable.LABELS)")
    write(tmp_path, {"mine.py": text, "lib/commontable.py": TABLE, "lib/labels.json": "[1]"})
    first, again = loaded(tmp_path / "mine.py"), loaded(tmp_path / "mine.py")
    assert again.fingerprint == first.fingerprint
    write(tmp_path, {"lib/labels.json": "[2]"})
    after = loaded(tmp_path / "mine.py")
    assert after.adapter.got.tolist() == [2] and after.fingerprint.id != first.fingerprint.id
    sys.modules.pop("commontable", None)


def test_what_a_package_opens_of_the_machine_once_is_no_part_of_a_model(tmp_path):
    """Types of files, programs that find libraries: Python and packages ask once in a process."""
    lib = tmp_path / "lib"
    installed(lib, "asking", "1.0")
    asking = """
    import functools, pathlib, subprocess, sys
    @functools.cache
    def settings():
        subprocess.run(["/bin/sh", "-c", "true"], check=True)
        return pathlib.Path("/etc/passwd").read_text()
    """
    write(lib, {"asking/__init__.py": asking})
    write(tmp_path, {"mine.py": adapter_text(head="import asking", load="asking.settings()")})
    alone = in_a_new_process(tmp_path / "mine.py", folder=lib)
    assert not alone[0]["files"]
    own = adapter_text(load="Path('/etc/passwd').read_text()")
    write(tmp_path, {"own.py": own})
    assert [name.rsplit("/", 1)[1] for name in in_a_new_process(tmp_path / "own.py", folder=lib)[0]["files"]] == [
        "passwd"
    ]

"""Odd cards: a finished record whose figure is right, or one clear error; never what nobody foresaw."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_faults import adapter, world

from benchbed.errors import BenchbedError
from benchbed.run.job.settings import Settings
from benchbed.run.preparing.prepare import prepare
from benchbed.run.session import run
from benchbed.suite.load import load_suite

#: What the card says, in the place of what is right, and whether the model hears and answers as before.
ODD = {
    "name empty": 'name=""',
    "name of blanks": 'name="  "',
    "name with a separator": 'name="a/b"',
    "name that leads up": 'name="../../up"',
    "name absolute": 'name="/up"',
    "name with a line": 'name="a\\nb"',
    "name with a zero": 'name="a\\0b"',
    "name too long": 'name="a" * 5000',
    "name none": "name=None",
    "name a number": "name=3",
    "name from right to left": 'name="\\u202eevil"',
    "name a dot": 'name="."',
    "name two dots": 'name=".."',
    "name a flag": 'name="-rf"',
    "name markup": 'name="<script>alert(1)</script>"',
    "name a formula": "name=\"=cmd|' /C calc'!A0\"",
    "name half a pair": 'name="\\ud800"',
    "name bytes": 'name=b"net"',
    "family none": "family=None",
    "family markup": 'family="<b>"',
    "family a list": 'family=["cnn"]',
    "output unknown": 'output="nothing"',
    "output empty": 'output=""',
    "output none": "output=None",
    "output a list": 'output=["scene"]',
    "output a path": 'output="../scene"',
    "labels none": "labels=None",
    "labels empty": "labels=()",
    "labels one": 'labels=("high",)',
    "labels twice": 'labels=("high", "high")',
    "labels text": 'labels="high,low"',
    "labels a list": 'labels=["high", "low"]',
    "labels numbers": "labels=(1, 2)",
    "labels with none": 'labels=("high", None)',
    "labels with a list": 'labels=(["high"], ["low"])',
    "labels a mapping": 'labels={"high": 0, "low": 1}',
    "labels an array": 'labels=np.array(["high", "low"])',
    "labels a generator": 'labels=(each for each in ("high", "low"))',
    "labels with blanks": 'labels=("high ", "low")',
    "labels half a pair": 'labels=("high", "\\ud800")',
    "labels of others": 'labels=("dog", "cat")',
    "rate zero": "sample_rate=0",
    "rate negative": "sample_rate=-8000",
    "rate a fraction": "sample_rate=8000.5",
    "rate text": 'sample_rate="8000"',
    "rate nan": 'sample_rate=float("nan")',
    "rate infinite": 'sample_rate=float("inf")',
    "rate huge": "sample_rate=10**12",
    "rate none": "sample_rate=None",
    "rate true": "sample_rate=True",
    "rate of numpy": "sample_rate=np.int64(8000)",
    "channels zero": "channels=0",
    "channels half": "channels=0.5",
    "channels many": "channels=10**9",
    "channels none": "channels=None",
    "channels text": 'channels="mono"',
    "array unknown": 'array="quad"',
    "scores unknown": 'scores="percent"',
    "scores none": "scores=None",
    "length zero": "clip_seconds=0",
    "length negative": "clip_seconds=-1.0",
    "length nan": 'clip_seconds=float("nan")',
    "length infinite": 'clip_seconds=float("inf")',
    "length tiny": "clip_seconds=1e-9",
    "length huge": "clip_seconds=1e9",
    "length text": 'clip_seconds="1"',
    "least nan": 'min_seconds=float("nan")',
    "least negative": "min_seconds=-1.0",
    "least huge": "min_seconds=1e12",
    "least none": "min_seconds=None",
    "pad unknown": 'pad="wrap"',
    "crop none": "crop=None",
    "hop alone": "window_hop=0.1",
    "hop zero": "clip_seconds=0.25, window_hop=0.0",
    "hop nan": 'clip_seconds=0.25, window_hop=float("nan")',
    "join unknown": 'window_join="median"',
    "frames zero": "frame_seconds=0.0",
    "frames text": 'frame_seconds="10 ms"',
    "map to itself": 'label_map={"high": ("high",), "low": ("low",)}',
    "map of text": 'label_map={"high": "high", "low": "low"}',
    "map to nothing": 'label_map={"high": (), "low": ("low",)}',
    "map to a number": 'label_map={"high": 3}',
    "map a list": "label_map=[]",
    "map of others": 'label_map={"x": ("y",)}',
    "asks for the label": 'side_information=("label",)',
    "asks for nothing that is": 'side_information=("nothing",)',
    "asks by text": 'side_information="device"',
    "asks by number": "side_information=(3,)",
    "asks for the clip": 'side_information=("clip_id",)',
    "bits zero": "weight_bits=0",
    "bits negative": "weight_bits=-8",
    "bits text": 'weight_bits="32"',
    "bits half": "weight_bits=7.5",
    "bits none": "weight_bits=None",
    "licence none": "licence=None",
    "licence a number": "licence=5",
    "description half a pair": 'description="\\udfff"',
    "trained on text": 'trained_on="toy"',
    "trained on none": "trained_on=(None,)",
    "trained with a number": "trained_with=5",
    "word unknown": "sample_rte=8000",
}
#: Cards by which the model hears or answers something else: their figure is another one, and as it should be.
OTHER = {"rate true", "length tiny", "trained on text"}


def scored(place: Path, spec: str) -> float:
    """Accuracy of a model on the toy set."""
    settings = Settings(out=place / "runs", data={"toy": place / "data"}, quiet=True)
    prepared = prepare(load_suite(str(place / "toy.yaml")), spec, {}, settings)
    done = run(prepared, settings, {})
    assert done.path.resolve().is_relative_to((place / "runs").resolve())
    value = done.result.cells[0].metrics["accuracy"].value
    assert value is not None
    return value


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return world(tmp_path_factory.mktemp("toys"), 4)


def test_the_toy_is_right(toys: Path):
    assert scored(toys, adapter(toys)) == 1.0


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_card_is_scored_rightly_or_refused(toys: Path, odd: str):
    spec = Path(adapter(toys, "odd"))
    said = {
        "name": "'odd'",
        "family": "'other'",
        "output": "'scene'",
        "labels": "('high', 'low')",
        "sample_rate": "8000",
    }
    given = ODD[odd]
    kept = ", ".join(f"{name}={value}" for name, value in said.items() if not given.startswith(f"{name}="))
    text = spec.read_text()
    line = next(each for each in text.splitlines() if "card = Card(" in each)
    spec.write_text(text.replace(line, f"    card = Card({kept}, {given})"))
    try:
        accuracy = scored(toys, str(spec))
    except BenchbedError as error:
        assert len(str(error)) < 2000 and error.what and (error.where or error.hint), "who, where or what to do"
        assert "Traceback" not in str(error)
    else:
        assert accuracy == 1.0 or odd in OTHER


@pytest.mark.parametrize(
    "card",
    [
        *("None", "{}", "Card", "'card'", "property(lambda self: 1 / 0)", "property(lambda self: sys.exit(0))"),
        "property(lambda self: Card('odd', 'other', 'scene', ('high', 'low'), random.choice([8000, 16000])))",
        "property(lambda self: None)",
    ],
)
def test_what_is_no_card_is_refused(toys: Path, card: str):
    spec = Path(adapter(toys, "odd"))
    text = spec.read_text()
    line = next(each for each in text.splitlines() if "card = Card(" in each)
    spec.write_text(text.replace(line, f"    card = {card}"))
    if "random" in card:  # one of two, whichever was read first
        try:
            assert scored(toys, str(spec)) == 1.0
        except BenchbedError as error:  # where a later look is another one than the first
            assert "is another one since it predicted" in str(error)
        return
    with pytest.raises(BenchbedError, match=r"card|called sys\.exit"):
        scored(toys, str(spec))

"""adapters/predictions.py: every form of table, every way to find a clip, every refusal."""

import numpy as np
import pandas as pd
import pytest

from benchbed.adapter.load import load_adapter
from benchbed.errors import AdapterError, BenchbedError, ConfigError
from benchbed.types import Batch

CLIPS = ("toy/audio/airport-a.wav", "toy/audio/bus-b.wav", "toy/audio/bus-c.wav")
SCORES = [[0.75, 0.25], [0.5, 0.5], [0.0, 1.0]]


def open_adapter(repository, path, **options):
    loaded = load_adapter(str(repository / "adapters" / "predictions.py"), {"file": str(path)} | options)
    loaded.adapter.load("cpu")
    return loaded.adapter


def write(tmp_path, text, name="scores.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def ask(adapter, clips=CLIPS):
    return adapter.predict(
        Batch(np.zeros((len(clips), 1, 8), np.float32), np.full(len(clips), 8), 8000, {"clip_id": tuple(clips)})
    )


PREFIXED = """filename,prob_airport,prob_bus
audio/bus-c.wav,0,1
audio/airport-a.wav,0.75,0.25
audio/bus-b.wav,0.5,0.5
"""
DCASE = """filename\tscene_label\tairport\tbus
audio/airport-a.wav\tairport\t0.75\t0.25
audio/bus-b.wav\tbus\t0.5\t0.5
audio/bus-c.wav\tbus\t0.0\t1.0
"""


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (PREFIXED, "scores.csv"),
        (PREFIXED.replace(",", ";"), "scores.csv"),
        (PREFIXED.replace("audio/", "toy/audio/"), "scores.csv"),
        (PREFIXED.replace("audio/", ".\\audio\\"), "scores.csv"),
        (PREFIXED.replace("audio/", ""), "scores.csv"),
        (PREFIXED.replace("audio/", "/elsewhere/").replace("prob_", ""), "scores.csv"),
        (PREFIXED.replace(".wav", ""), "scores.csv"),
        ("\ufeff" + PREFIXED.replace("filename", "clip_id"), "scores.csv"),
        (PREFIXED.replace("\n", ",s1\n").replace("bus,s1", "bus,device"), "scores.csv"),
        (PREFIXED.replace("filename", '"filename"').replace("audio/bus-c.wav", '"audio/bus-c.wav"'), "scores.csv"),
        ('"",' + "".join(f'"{i}",{row}\n' for i, row in enumerate(PREFIXED.splitlines()))[4:], "R.csv"),
        (PREFIXED.replace(",", ";").replace(".5", ",5").replace(".75", ",75").replace(".25", ",25"), "scores.csv"),
        (PREFIXED.replace("\n", ",3\n").replace("bus,3", "bus,fold").replace("prob_", ""), "scores.csv"),
        (DCASE, "output.csv"),
        (DCASE, "output.tsv"),
    ],
)
def test_forms(repository, tmp_path, text, name):
    path = write(tmp_path, text, name)
    adapter = open_adapter(repository, path)
    np.testing.assert_allclose(ask(adapter), SCORES)
    assert adapter.card.labels == ("airport", "bus")
    assert adapter.card.scores == "probabilities" and adapter.card.side_information == ("clip_id",)
    assert adapter.replays and adapter.weights() == [path]
    np.testing.assert_allclose(ask(adapter, CLIPS[::-1]), SCORES[::-1])


def test_parquet_and_given_order(repository, tmp_path):
    path = tmp_path / "scores.parquet"
    pd.DataFrame({"filename": list(CLIPS), "bus": [0.25, 0.5, 1.0], "airport": [0.75, 0.5, 0.0]}).to_parquet(path)
    np.testing.assert_allclose(ask(open_adapter(repository, path, labels="airport,bus")), SCORES)


def test_a_submission_that_contradicts_itself_is_noted(repository, tmp_path):
    assert "scene_label" in open_adapter(repository, write(tmp_path, DCASE)).card.description
    consistent = DCASE.replace("0.5\t0.5", "0.4\t0.6")
    assert "scene_label" not in open_adapter(repository, write(tmp_path, consistent)).card.description


def test_hard_decisions(repository, tmp_path):
    path = write(tmp_path, "filename,label\nairport-a.wav,airport\nbus-b.wav,bus\nbus-c.wav,bus\n")
    adapter = open_adapter(repository, path)
    assert ask(adapter).tolist() == [[1, 0], [0, 1], [0, 1]]
    assert "log loss" in adapter.card.description and "undefined" in adapter.card.description
    assert open_adapter(repository, path, labels="airport,bus,tram").card.labels == ("airport", "bus", "tram")
    with pytest.raises(AdapterError, match="'bus' is not one of the labels") as caught:
        open_adapter(repository, path, labels="airport,buss")
    assert caught.value.where.endswith(":3, of bus-b.wav") and "did you mean 'buss'" in caught.value.hint


def test_cuts_of_one_file_need_their_own_rows(repository, tmp_path):
    cuts = ("toy/a.wav", "toy/a.wav@1", "toy/a.wav@2.5")
    both = write(tmp_path, "clip_id,x,y\na.wav,1,0\na.wav@1,0,1\ntoy/a.wav@2.5,0.5,0.5\n")
    np.testing.assert_allclose(ask(open_adapter(repository, both), cuts), [[1, 0], [0, 1], [0.5, 0.5]])
    one = write(tmp_path, "clip_id,x,y\na.wav,1,0\n", "one.csv")
    with pytest.raises(AdapterError, match=r"2 of 3 clips have no prediction: toy/a\.wav@1, toy/a\.wav@2\.5"):
        ask(open_adapter(repository, one), cuts)
    with pytest.raises(AdapterError, match=r"'a\.wav' could mean a\.wav@1 or a\.wav@2\.5") as caught:
        ask(open_adapter(repository, one), cuts[1:])
    assert "cuts of one file" in caught.value.hint


def test_missing_clips_are_counted(repository, tmp_path):
    adapter = open_adapter(repository, write(tmp_path, PREFIXED))
    with pytest.raises(
        AdapterError, match=r"4 of 5 clips have no prediction: toy/0.wav, toy/1.wav, toy/2.wav\n"
    ) as caught:
        ask(adapter, (*(f"toy/{i}.wav" for i in range(4)), CLIPS[0]))
    assert "audio/bus-c.wav" in caught.value.hint


def test_a_file_name_that_occurs_twice(repository, tmp_path):
    path = write(tmp_path, "filename,x,y\nfold1/a.wav,1,0\nfold2/a.wav,0,1\n")
    assert ask(open_adapter(repository, path), ("toy/fold2/a.wav", "toy/fold1/a.wav")).tolist() == [[0, 1], [1, 0]]
    with pytest.raises(AdapterError, match=r"fold1/a\.wav and fold2/a\.wav could both mean audio/a\.wav"):
        ask(open_adapter(repository, path), ("toy/audio/a.wav",))


def test_what_is_not_used_is_counted_and_ids_of_the_own_table_are_names(repository, tmp_path):
    path = write(tmp_path, "id,airport,bus\n0017,1,0\nbus-c,0,1\nnowhere,1,0\n")
    adapter = open_adapter(repository, path)
    clips = pd.DataFrame({"clip_id": list(CLIPS), "id": ["0017", "0018", "0019"]})
    [said] = adapter.meet(clips)
    assert said.startswith("1 of 3 rows of scores.csv are about no clip of the data set") and "scores.csv:4" in said
    assert ask(adapter, (CLIPS[0], CLIPS[2])).tolist() == [[1, 0], [0, 1]]


def test_normalise_and_tags(repository, tmp_path):
    path = write(tmp_path, PREFIXED.replace("0.5,0.5", "2,6"))
    with pytest.raises(AdapterError, match=r"does not sum to one, in 1 rows: audio/bus-b.wav") as caught:
        open_adapter(repository, path)
    assert "normalise=true" in caught.value.hint and caught.value.where.endswith(":4")
    np.testing.assert_allclose(ask(open_adapter(repository, path, normalise="true"))[1], [0.25, 0.75])
    tags = open_adapter(repository, write(tmp_path, PREFIXED.replace("0.5,0.5", "0.9,0.9")), output="tags")
    np.testing.assert_allclose(ask(tags)[1], [0.9, 0.9])


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (PREFIXED.replace("0.5,0.5", ",0.5"), {}, "not a number, in 1 rows: audio/bus-b.wav"),
        (PREFIXED.replace("0.5,0.5", "nan,0.5"), {}, "not a number"),
        (PREFIXED.replace("0.5,0.5", "inf,0.5"), {}, "not a number"),
        (PREFIXED.replace("0.5,0.5", "half,0.5").replace("prob_", ""), {}, "not a number"),
        (PREFIXED.replace("0.5,0.5", "-0.5,1.5"), {}, "negative"),
        (PREFIXED.replace("0.5,0.5", "1.5,0.5"), {"output": "tags"}, "above one"),
        (PREFIXED.replace("0.5,0.5", "0,0"), {"normalise": "true"}, "sums to zero"),
        (PREFIXED + "audio/bus-b.wav,0.5,0.5\n", {}, "more than once, in 2 rows"),
        (PREFIXED + "./audio/bus-b.wav,0.5,0.5\n", {}, "more than once"),
        (PREFIXED, {"labels": "airport,buss"}, "no column for class 'buss'"),
        (PREFIXED, {"id_column": "file_name"}, "no column of clips 'file_name'"),
        (PREFIXED.replace("filename", "x"), {}, "no column of clips"),
        ("filename,device\na.wav,s1\n", {}, "no column of scores"),
        ("filename,label\n", {}, "no rows"),
        ("", {}, "cannot be read"),
        ('filename,x,y\n"a.wav,1,0\n', {}, "cannot be read: a quote is opened and never closed"),
    ],
)
def test_refused(repository, tmp_path, text, options, message):
    with pytest.raises(AdapterError, match=message):
        open_adapter(repository, write(tmp_path, text), **options)


def test_no_file_wrong_ending_no_ids(repository, tmp_path):
    with pytest.raises(ConfigError, match="no file of predictions"):
        open_adapter(repository, tmp_path / "none.csv")
    with pytest.raises(ConfigError, match=r"predictions in \.json"):
        open_adapter(repository, write(tmp_path, "{}", "scores.json"))
    broken = tmp_path / "scores.parquet"
    broken.write_bytes(b"PAR1 but not really")
    with pytest.raises(BenchbedError, match="cannot be read"):
        open_adapter(repository, broken)
    adapter = open_adapter(repository, write(tmp_path, PREFIXED))
    with pytest.raises(AdapterError, match="batch carries none"):
        adapter.predict(Batch(np.zeros((1, 1, 8), np.float32), np.array([8]), 8000))

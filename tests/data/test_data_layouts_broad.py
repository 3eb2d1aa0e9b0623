"""BSD10k and BSD35k-CS: classes under their tops, folds, confidence, a run, and what is wrong with some tables."""

from __future__ import annotations

from collections import Counter

import pytest

import benchbed as bb
from benchbed.data import synthetic
from benchbed.data.layouts import bsd10k
from benchbed.errors import ConfigError, DataError

HEAD = "sound_id,class,class_idx,class_top,confidence,uploader"


def folder(tmp_path, *rows, head=HEAD, name="BSD10k_metadata.csv"):
    (tmp_path / "metadata").mkdir(exist_ok=True)
    (tmp_path / "metadata" / name).write_text("\n".join([head, *rows]) + "\n")
    return tmp_path


def test_sounds_are_named_by_their_ids_and_folds_are_balanced(tmp_path):
    rows = [f"{n},{('fx-a', 'ss-n')[n % 2]},0,{('fx', 'ss')[n % 2]},{1 + n % 5},u" for n in range(40)]
    data = bsd10k.read(folder(tmp_path, *rows))
    assert data.kind == "scene" and len(data.labels) == 23 and data.clips["path"].iloc[0] == "audio/0.wav"
    assert data.clips["top"].iloc[0] == "fx" and "folds" in data.notes[0]
    for fold in range(1, 6):
        table = data.select(f"fold{fold}")
        assert Counter(table["label"]) == {"fx-a": 4, "ss-n": 4}
    # The rows' order and the other sounds of a set change no fold where classes stay as large.
    again = bsd10k.read(folder(tmp_path, *rows[::-1]))
    assert dict(zip(again.clips["clip_id"], again.clips["fold"])) == dict(
        zip(data.clips["clip_id"], data.clips["fold"])
    )
    sure = bsd10k.read(folder(tmp_path, *rows), confidence=4)
    assert len(sure.clips) == 16 and "16 of 40" in sure.notes[0]


def test_folds_of_others_are_taken(tmp_path):
    root = folder(tmp_path, "1,fx-a,0,fx,5,u", "2,ss-n,1,ss,5,u", name="BSD35k-CS_metadata.csv")
    (tmp_path / "folds.csv").write_text("sound_id,fold\n2,1\n1,2\n")
    data = bsd10k.read(root, subset="bsd35k_cs", folds_csv="folds.csv")
    assert data.name == "bsd35k_cs" and data.select("fold1")["label"].tolist() == ["ss-n"]
    root = folder(tmp_path, "1,fx-a,3", "2,ss-n,4", head="sound_id,class,fold")
    assert {"fold3", "not_fold4"} <= set(bsd10k.read(root).splits)


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        (["1,fx-z,0,fx,5,u"], {}, "unknown label 'fx-z'"),
        (["1,fx-a,0,ss,5,u"], {}, "the class 'fx-a' stands under 'ss'"),
        (["1,fx-a,0,fx,5,u", "1,fx-a,0,fx,5,u"], {}, "occurs 2 times"),
        (["../1,fx-a,0,fx,5,u"], {}, "leaves the dataset's folder"),
        (["1,fx-a,0,fx,sure,u"], {"confidence": 3}, "'sure'"),
        (["1,fx-a,0,fx,5,u"], {"folds_csv": "none.csv"}, "missing"),
    ],
)
def test_a_table_that_cannot_be_right_is_one_clear_error(tmp_path, rows, options, said):
    with pytest.raises(DataError, match=said):
        bsd10k.read(folder(tmp_path, *rows), **options)


def test_options_that_mean_nothing_are_refused(tmp_path):
    root = folder(tmp_path, "1,fx-a", head="sound_id,class")
    with pytest.raises(ConfigError, match="no confidence"):
        bsd10k.read(root, confidence=3)
    with pytest.raises(ConfigError, match="folds=1"):
        bsd10k.read(root, folds=1)
    with pytest.raises(DataError, match="BSD35k"):
        bsd10k.read(root, subset="bsd35k_cs")


MODEL = """
import numpy as np
from benchbed.adapter import Adapter, Card
from benchbed.data.broad_sound import BROAD_SOUND as LABELS

class Constant(Adapter):
    card = Card("constant", "other", "scene", LABELS, 32000, scores="probabilities")

    def predict(self, batch):
        return np.repeat(np.eye(23, dtype=np.float32)[[15]], len(batch), 0)
"""


def test_the_suite_of_the_challenge_runs_on_the_stand_in(tmp_path):
    data = {"bsd10k": synthetic.make(tmp_path / "set", layout="bsd10k", size="small")}
    model = tmp_path / "constant.py"
    model.write_text(MODEL)
    run = bb.run("dcase2026_task1", model=str(model), data=data, out=tmp_path / "runs")
    assert len(run.result.cells) == 5 and sum(cell.counts.scored for cell in run.result.cells) == 46
    cell = run.result.cells[0]
    whole, official = (cell.metrics[name].value for name in ("hierarchical_f1", "official_hierarchical_f1"))
    assert whole < official and cell.metrics["official_hierarchical_f1"].rule.endswith(":official")
    assert cell.metrics["flat_accuracy"].value is not None and "class=fx-a" in cell.groups
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "Hierarchical F1" in page and "never named" in page

"""Captions from a csv to a record: figures of the reference scorer, and files that cannot be meant."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import benchbed as bb
from benchbed.cli import main
from benchbed.errors import AdapterError, BenchbedError, DataError
from benchbed.outputs import output_of
from benchbed.outputs.contract import Heard

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "metrics" / "golden" / "captions_pycocoevalcap_1.2.json").read_text("utf-8")
)
CORPUS = next(one for one in GOLDEN["corpora"] if one["id"] == "random-30")


@pytest.fixture
def clotho(tmp_path: Path) -> Path:
    """The golden corpus of thirty clips in the layout of Clotho, without audio."""
    root = tmp_path / "clotho"
    root.mkdir()
    rows = [
        {"file_name": f"clip {i}.wav", **{f"caption_{k + 1}": text for k, text in enumerate(held)}}
        for i, held in enumerate(CORPUS["references"])
    ]
    pd.DataFrame(rows).to_csv(root / "clotho_captions_evaluation.csv", index=False)
    return root


def table(**changes: str) -> pd.DataFrame:
    texts = {f"clip {i}.wav": text for i, text in enumerate(CORPUS["candidates"])} | changes
    return pd.DataFrame({"file_name": texts.keys(), "caption_predicted": texts.values()})


def test_a_csv_of_captions_has_the_figures_of_the_reference(clotho, tmp_path):
    path = tmp_path / "system.csv"
    table().to_csv(path, index=False)
    arguments = [
        "score",
        "dcase_task6_captioning",
        str(path),
        "--data",
        f"clotho={clotho}",
        "--out",
        str(tmp_path / "runs"),
    ]
    with pytest.raises(SystemExit) as left:
        main([*arguments, "--quiet", "--set", "suite.statistics.draws=40"])
    assert left.value.code == 0
    (run,) = bb.load(tmp_path / "runs")
    metrics = run.result.cells[0].metrics
    for name in ("bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "cider_d"):
        assert metrics[name].value == pytest.approx(CORPUS["scores"][name]["corpus"], abs=1e-12), name
        assert metrics[name].low < metrics[name].value < metrics[name].high
    held = run.predictions()
    said = dict(zip(held["clip_id"].astype(str), held["answer"]))
    assert said == {f"clotho/evaluation/clip {i}.wav": text for i, text in enumerate(CORPUS["candidates"])}


def test_an_empty_caption_is_an_answer_and_is_counted(clotho, tmp_path):
    run = bb.score(
        "dcase_task6_captioning", table(**{"clip 3.wav": "..."}), data={"clotho": clotho}, out=tmp_path / "runs"
    )
    assert run.result.cells[0].metrics["empty"].value == pytest.approx(1 / 30)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda held: held.iloc[1:], "no caption for the clip"),
        (lambda held: pd.concat([held, held.iloc[:1]]), r"two captions for 'clip 0\.wav'"),
        (lambda held: held.rename(columns={"caption_predicted": "said"}), "no column of captions"),
        (lambda held: held.rename(columns={"file_name": "wave"}), "no column of clips"),
        (lambda held: held.iloc[:0], "no rows"),
    ],
)
def test_a_file_that_cannot_be_meant(clotho, tmp_path, change, words):
    with pytest.raises(BenchbedError, match=words):
        bb.score("dcase_task6_captioning", change(table()), data={"clotho": clotho}, out=tmp_path / "runs")


def test_a_file_without_a_caption_is_told_about_the_file_and_not_about_a_model(clotho, tmp_path):
    with pytest.raises(DataError) as caught:
        bb.score("dcase_task6_captioning", table().iloc[1:], data={"clotho": clotho}, out=tmp_path / "runs")
    assert caught.value.what == "no caption for the clip 'clip 0.wav'"
    # Its neighbours are captions of other clips, and `score` has no `--fail-on-error`.
    assert "did you mean" not in str(caught.value) and "--fail-on-error" not in str(caught.value)


def test_captions_of_other_clips_are_counted(clotho, tmp_path):
    run = bb.score(
        "dcase_task6_captioning", table(**{"other.wav": "rain"}), data={"clotho": clotho}, out=tmp_path / "r"
    )
    (told,) = [check.message for check in run.result.checks if check.name == "answers"]
    assert "1 of 31 captions" in told and "other.wav" in told


def test_quotes_commas_and_other_alphabets_survive(clotho, tmp_path):
    said = 'a man says "stop, now"; naïve café 水'
    run = bb.score("dcase_task6_captioning", table(**{"clip 0.wav": said}), data={"clotho": clotho}, out=tmp_path / "r")
    assert said in run.predictions()["answer"].tolist()


def test_a_clip_without_a_reference_is_refused(clotho, tmp_path):
    path = clotho / "clotho_captions_evaluation.csv"
    held = pd.read_csv(path)
    held.loc[4, [c for c in held if c.startswith("caption_")]] = ""
    held.to_csv(path, index=False)
    with pytest.raises(DataError, match=r"'clip 4\.wav' has no caption"):
        bb.score("dcase_task6_captioning", table(), data={"clotho": clotho}, out=tmp_path / "runs")


def test_one_clip_alone_has_no_cider():
    figures = bb.evaluate("captions", [["a dog barks"]], ["a dog barks"])
    assert figures.metrics["cider_d"].value is None and "one clip alone" in figures.metrics["cider_d"].reason
    assert figures["bleu_1"] == pytest.approx(1.0, abs=1e-6)


def test_weights_are_those_of_the_corpus_and_not_of_the_draw():
    from benchbed.metrics.families.captions import family

    said, truth = np.array(CORPUS["candidates"], object), np.empty(30, object)
    truth[:] = [tuple(held) for held in CORPUS["references"]]
    told = family().context(said, truth)
    half = told.statistics(said[:15], truth[:15]).sum(0) + told.statistics(said[15:], truth[15:]).sum(0)
    whole = told.values(told.statistics(said, truth).sum(0))
    assert told.values(half)["cider_d"] == pytest.approx(whole["cider_d"], abs=1e-12)
    assert told.values(half)["cider_d"] == pytest.approx(CORPUS["scores"]["cider_d"]["corpus"], abs=1e-12)


@pytest.mark.parametrize("raw", [["a"], "ab", [b"a", b"b"], [1, 2], None])
def test_a_model_that_gives_no_texts_is_refused(raw):
    card = bb.Card(name="c", family="transformer", output="caption", labels=(), sample_rate=8000)
    with pytest.raises(AdapterError, match="predict returned"):
        output_of("caption").read(card, ()).check(raw, 2, Heard(1.0, 8000))


def test_an_empty_cell_is_an_answer_without_a_word(clotho, tmp_path):
    path = tmp_path / "system.csv"
    table(**{"clip 3.wav": ""}).to_csv(path, index=False)
    run = bb.score("dcase_task6_captioning", path, data={"clotho": clotho}, out=tmp_path / "runs")
    metrics = run.result.cells[0].metrics
    assert metrics["empty"].value == pytest.approx(1 / 30)
    without = [text if i != 3 else "" for i, text in enumerate(CORPUS["candidates"])]
    assert metrics["rouge_l"].value == pytest.approx(bb.evaluate("captions", CORPUS["references"], without)["rouge_l"])


def test_line_breaks_inside_a_caption_are_space(clotho, tmp_path):
    said = CORPUS["candidates"][0]
    path = tmp_path / "system.csv"
    table(**{"clip 0.wav": said.replace(" ", "\n", 1)}).to_csv(path, index=False)
    run = bb.score("dcase_task6_captioning", path, data={"clotho": clotho}, out=tmp_path / "runs")
    assert run.result.cells[0].metrics["cider_d"].value == pytest.approx(CORPUS["scores"]["cider_d"]["corpus"])


def test_one_reference_is_enough():
    """One text for a clip, or one in a list: the same figures, and those of the reference scorer for such a corpus."""
    corpus = next(one for one in GOLDEN["corpora"] if all(len(held) == 1 for held in one["references"]) and one["what"])
    plain = bb.evaluate("captions", [held[0] for held in corpus["references"]], corpus["candidates"])
    listed = bb.evaluate("captions", corpus["references"], corpus["candidates"])
    for name in ("bleu_1", "rouge_l"):
        assert plain[name] == listed[name] == pytest.approx(corpus["scores"][name]["corpus"], abs=1e-9)


def test_a_reference_that_is_lacking_is_refused(clotho, tmp_path):
    path = clotho / "clotho_captions_evaluation.csv"
    held = pd.read_csv(path)
    held.loc[4, "caption_1"] = ""
    held.to_csv(path, index=False)
    with pytest.raises(DataError, match=r"'clip 4\.wav' has no caption 1"):
        bb.score("dcase_task6_captioning", table(), data={"clotho": clotho}, out=tmp_path / "runs")


def test_a_clip_that_is_listed_twice_in_the_references(clotho, tmp_path):
    path = clotho / "clotho_captions_evaluation.csv"
    held = pd.read_csv(path)
    pd.concat([held, held.iloc[[7]]]).to_csv(path, index=False)
    with pytest.raises(DataError, match=r"'clip 7\.wav' is listed twice"):
        bb.score("dcase_task6_captioning", table(), data={"clotho": clotho}, out=tmp_path / "runs")


def test_two_captions_under_two_names_of_one_clip(clotho, tmp_path):
    with pytest.raises(DataError, match=r"two captions for the clip 'evaluation/clip 0\.wav', under two of its names"):
        bb.score("dcase_task6_captioning", table(**{"clip 0": "rain"}), data={"clotho": clotho}, out=tmp_path / "r")


@pytest.mark.parametrize("name", ["x.wav", "x"])
def test_a_name_that_two_clips_have_is_no_answer_to_either(tmp_path, name):
    path = tmp_path / "said.csv"
    pd.DataFrame({"file_name": [name, "b/x.wav"], "caption": ["a dog", "rain"]}).to_csv(path, index=False)
    clips = pd.DataFrame({"clip_id": ["set/a/x.wav", "set/b/x.wav"]})
    for ask in (
        lambda: output_of("caption").foreign(path, clips, ()),
        lambda: output_of("caption").unused(path, clips),
    ):
        with pytest.raises(DataError, match=f"'{name}' is the name of several clips, e.g. 'a/x.wav' and 'b/x.wav'"):
            ask()


def test_clips_of_one_name_are_told_apart_by_their_paths(tmp_path):
    path = tmp_path / "said.csv"
    pd.DataFrame({"file_name": ["a/x.wav", "b/x.wav"], "caption": ["a dog", "rain"]}).to_csv(path, index=False)
    clips = pd.DataFrame({"clip_id": ["set/a/x.wav", "set/b/x.wav"]})
    assert output_of("caption").foreign(path, clips, ()).tolist() == ["a dog", "rain"]


def test_one_clip_alone_on_a_record(clotho, tmp_path):
    path = clotho / "clotho_captions_evaluation.csv"
    pd.read_csv(path).iloc[:1].to_csv(path, index=False)
    run = bb.score("dcase_task6_captioning", table().iloc[:1], data={"clotho": clotho}, out=tmp_path / "runs")
    metrics = run.result.cells[0].metrics
    assert metrics["cider_d"].value is None and "one clip alone" in metrics["cider_d"].reason
    assert metrics["bleu_1"].value is not None and metrics["meteor"].value is not None


@pytest.mark.parametrize(
    ("references", "estimates", "words"),
    [
        ({"x": ["a"], "y": ["b"]}, {"x": "a"}, "'y' has no caption"),
        ({"x": ["a"]}, {"x": "a", "y": "b"}, "'y' has no reference"),
        ({"x": []}, {"x": "a"}, "'x' has no reference"),
        ({"x": ["", " "]}, {"x": "a"}, "'x' has no reference"),
        ({"x": ["a"]}, {"x": None}, "the caption of 'x' is a NoneType"),
        ({"x": ["a", 5]}, {"x": "a"}, "the reference of 'x' is a int"),
    ],
)
def test_what_cannot_be_evaluated(references, estimates, words):
    with pytest.raises(BenchbedError, match=words):
        bb.evaluate("captions", references, estimates)


def test_captions_without_a_word_on_both_sides():
    """Marks alone are an answer: it is counted, and no figure divides by it."""
    figures = bb.evaluate("captions", [["a dog"], ["?"]], ["...", "!"])
    assert figures["empty"] == 1.0 and figures["bleu_1"] == pytest.approx(0, abs=1e-9)
    assert 0 <= figures["meteor"] <= 1 and figures["cider_d"] >= 0

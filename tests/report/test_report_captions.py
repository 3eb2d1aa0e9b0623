"""Cards of captions on a page and on that of a comparison, as text and in a real browser."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest

from benchbed.report import captions, listening
from benchbed.report.drawings import KeptDrawings
from benchbed.report.leaderboard import write_leaderboard
from benchbed.report.page import report_html, write_report
from benchbed.results.captions import FORMAT, AddedRecord, CaptionCard, CellCaptions, KeptCaptions, SaidCaption
from benchbed.results.comparison import ComparisonRecord, Spoken
from benchbed.seal import digest, seal

EVIL = "</script><img src=x onerror=\"document.title='owned'\">"


@pytest.mark.parametrize(
    ("caption", "added", "pieces"),
    [
        ("a dog", set(), [("a dog", False)]),
        ("a dog", {"dog"}, [("a ", False), ("dog", True)]),
        ("Dog, dog!", {"dog"}, [("Dog,", True), (" ", False), ("dog!", True)]),
        ("", {"dog"}, []),
    ],
)
def test_marked_words(caption, added, pieces):
    found = captions.marked(caption, frozenset(added))
    assert found == pieces and "".join(piece for piece, _ in found) == " ".join(caption.split())


def kept(cells: list, name: str = "audio/a.wav") -> KeptCaptions:
    """One card of each sort in the clean cell, with a caption under the second cell."""
    clean, other = cells[0].key, cells[1].key
    cards = [
        CaptionCard(
            clip_id=f"{why} {name}",
            why=why,
            references=["a dog barks in the rain", "rain falls on a dog"],
            said=[
                SaidCaption(cell=clean, caption="a dog barks", scores={"cider_d": score, "meteor": 0.2}),
                SaidCaption(cell=other, caption="a dog barks in static", scores={"cider_d": 0.1}, added=["static"]),
            ],
        )
        for why, score in (("worst", 0.01), ("typical", 0.5), ("best", 2.5))
    ]
    cell = CellCaptions(
        cell=clean, metric="cider_d", title="CIDEr-D", rule="cider-d:x", clips=9, median=0.5, cards=cards
    )
    added = [AddedRecord(cell=other, clips=9, changed=4, words=[("static", 3), ("wind", 1)])]
    return KeptCaptions(format=FORMAT, titles={"cider_d": "CIDEr-D", "meteor": "METEOR"}, cells=[cell], added=added)


def test_a_page_has_every_card(result):
    made = result(conditions=True)
    page = report_html(made, drawn=KeptDrawings(captions=kept(made.cells)))
    section = page[page.index('id="captions"') : page.index("</section>", page.index('id="captions"'))]
    assert section.count("caption-card") == 3 and section.count("<mark>static</mark>") == 3
    assert "CIDEr-D 2.5" in section and "METEOR 0.2" in section and re.search(r"<bdi>static</bdi> 3", section)
    assert section.index("worst") < section.index("typical") < section.index("best")


def test_a_page_without_captions_says_nothing_of_them(result):
    assert 'id="captions"' not in report_html(result())


def test_a_comparison_has_both_captions():
    one = Spoken(
        clip_id="x",
        why="a ahead",
        title="CIDEr-D",
        titles={"cider_d": "CIDEr-D"},
        a="a dog",
        b="",
        scores_a={"cider_d": 1.0},
    )
    (spread,) = captions.spread([one], "new", "old", "p1")
    assert [(line.name, line.caption) for line in spread.lines] == [("new", "a dog"), ("old", "")]
    assert spread.lines[0].scores == [("CIDEr-D", 1.0)]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, result) -> str:
    path = Path(tmp_path_factory.mktemp("captions")) / "report.html"
    made = result(conditions=True)
    return write_report(made, path, drawn=KeptDrawings(captions=kept(made.cells, EVIL))).as_uri()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_cards_fit_the_window_and_marked_words_are_seen(visit, address, width, scheme):
    page = visit(address, viewport={"width": width, "height": 900}, color_scheme=scheme)
    cards = page.locator(".caption-card")
    assert cards.count() == 3 and page.title() != "owned"
    for card in cards.all():
        box = card.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width + 0.5
    mark = page.locator(".caption-card mark").first
    assert mark.inner_text() == "static"
    # Not by colour alone.
    assert "underline" in mark.evaluate("node => getComputedStyle(node).textDecorationLine")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("#added-words tbody tr").count() == 1


@pytest.mark.browser
def test_the_card_of_a_clip_is_reached_by_its_address(visit, address):
    page = visit(address)
    link = page.locator('nav a[href="#captions"]').first
    assert link.count() == 1
    link.click()
    assert page.locator("#captions").bounding_box()["y"] < 200


def listened(run: Path, clip_id: str, licence: str = "CC0-1.0") -> None:
    """One clip that a run kept, with a sound as it is and one that is perturbed."""
    folder = run / "listen"
    folder.mkdir(parents=True)
    names = ("p.mp3", "p.png", "c.mp3", "c.png")
    for name in names:
        (folder / name).write_bytes(name.encode() + run.name.encode())
    sounds = [
        {"kind": "perturbed", "audio": "p.mp3", "spectrogram": "p.png"},
        {"kind": "clean", "audio": "c.mp3", "spectrogram": "c.png"},
    ]
    clip = {"clip_id": clip_id, "label": "", "why": "worst", "condition": "Clean", "cell": "c", "sample_rate": 16000}
    index = {
        "licence": licence,
        "clips": [clip | {"seconds": 0.1, "sounds": sounds}],
        "digests": {name: digest((folder / name).read_bytes()) for name in names},
    }
    (folder / "clips.json").write_text(seal(json.dumps(index)), encoding="utf-8")


def test_cards_of_a_comparison_have_the_sound_that_a_run_kept(result, tmp_path):
    paths = [tmp_path / name / "result.json" for name in ("old", "new")]
    listened(tmp_path / "old", "clip one")
    listened(tmp_path / "new", "clip two")
    said = [
        Spoken(clip_id=f"clip {n}", why="new ahead", title="CIDEr-D", a="a dog", b="") for n in ("one", "two", "six")
    ]
    made = ComparisonRecord.model_validate(
        {
            "primary": "cider_d",
            "procedure": {"alpha": 0.05},
            "sides": [
                {"name": path.parent.name, "kind": "model", "runs": [{"model": path.parent.name, "path": str(path)}]}
                for path in paths
            ],
            "pairings": [{"a": "new", "b": "old", "clips": [one.model_dump() for one in said]}],
        }
    )
    runs = [(path, result(path.parent.name)) for path in paths]
    written = write_leaderboard(runs, tmp_path / "site", comparisons=[made])
    (page,) = [path for path in written if path.parent.name == "comparisons"]
    text = page.read_text(encoding="utf-8")
    cards = text.split('class="recording caption-card"')[1:]
    for card, run in zip(cards, ("old", "new", None), strict=True):
        assert ("<audio" in card) == ("Spectrogram of" in card) == (run is not None)
        for name in ("c.mp3", "c.png") if run else ():
            assert base64.b64encode(f"{name}{run}".encode()).decode() in card
    assert base64.b64encode(b"p.mp3old").decode() not in text and "Licence of the recordings: <bdi>CC0-1.0" in text


def test_a_comparison_of_runs_that_are_not_here_has_cards_without_sound(tmp_path):
    assert listening.unchanged([tmp_path / "gone"], {"x"}) is None
    listened(tmp_path / "one", "x")
    listened(tmp_path / "two", "y", "CC BY 4.0")
    found = listening.unchanged([tmp_path / "one", tmp_path / "two"], {"x", "y"})
    # One licence is named above all cards.
    assert found is not None and found.licence == "CC0-1.0" and set(found.sounds) == {"x"}

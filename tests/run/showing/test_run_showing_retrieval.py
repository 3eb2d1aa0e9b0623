"""Ranked lists and moments as pages show them: which are chosen, what is right, and how they are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed.metrics.families.moments import family
from benchbed.outputs.moments.asked import Asked
from benchbed.outputs.similarity import vectors
from benchbed.outputs.similarity.wanted import WantedQueries, numbered
from benchbed.report.charts.timeline import timeline
from benchbed.results.rankings import FORMAT, KeptRankings, read_rankings
from benchbed.results.timelines import write_kept
from benchbed.run.showing.kinds.moments import timelines
from benchbed.run.showing.kinds.similarity import rankings


def gallery(matrix):
    clips = len(matrix)
    queries, own, relevant = numbered([[f"text {n}"] for n in range(clips)])
    truth = np.empty(clips, object)
    truth[:] = [WantedQueries(f"c{n}", queries, np.array(own[n]), np.array(relevant[n])) for n in range(clips)]
    return vectors(np.asarray(matrix, np.float32)), truth, np.array([f"set/{n}.wav" for n in range(clips)])


def test_the_worst_typical_and_best_lists_say_where_the_right_one_stands(tmp_path):
    # The clip n has the place n + 1 for its own text.
    matrix = np.tile(np.linspace(1.0, 0.1, 12)[:, None], (1, 12))
    said, truth, names = gallery(matrix)
    texts, sounds = rankings(said, truth, names, "cell")
    assert (texts.direction, texts.items, texts.queries, texts.median_rank) == ("text to audio", 12, 12, 6.5)
    worst = texts.rankings[0]
    assert worst.why == "worst" and worst.query == "text 11" and worst.rank == 12 and worst.right == 1
    assert [place.rank for place in worst.places] == [1, 2, 3, 4, 5, 12]
    assert [place.right for place in worst.places] == [False] * 5 + [True]
    assert worst.places[0].name == "set/0.wav" and worst.places[0].score == 1.0
    assert {one.why for one in texts.rankings} == {"worst", "typical", "best"}
    assert min(one.rank for one in texts.rankings) == 1
    # Every text has the same similarity to a clip: the right one stands behind all of them.
    assert sounds.direction == "audio to text" and {one.rank for one in sounds.rankings} == {12}
    write_kept(KeptRankings(format=FORMAT, cells=[texts, sounds]), tmp_path, "rankings.json")
    kept = read_rankings(tmp_path)
    assert kept is not None and kept.cells[0] == texts


def test_lists_of_files_have_one_direction_and_end_where_they_end():
    matrix = np.full((6, 6), -np.inf)
    matrix[[0, 1], :] = [[2.0] * 6, [1.0] * 6]
    said, truth, names = gallery(matrix)
    (texts,) = rankings(said, truth, names, "cell")
    lost = texts.rankings[0]
    assert lost.rank == 7 and [place.rank for place in lost.places] == [1, 2]


def recording(found, windows, seconds=30.0):
    said, truth = np.empty(2, object), np.empty(2, object)
    said[0], said[1] = (np.array(found, float),), (np.array([[0.0, 5.0, 1.0]]),)
    truth[0] = Asked(("a dog <b>",), ("1",), (np.array(windows, float),), seconds)
    truth[1] = Asked(("rain",), ("2",), (np.array([[0.0, 5.0]]),), 10.0)
    return said, truth


def test_of_moments_as_many_are_drawn_as_there_are_windows():
    found = [(20, 29, 0.2), (1, 10, 0.9), (2, 9, 0.8), (0, 1, 0.1)]
    said, truth = recording(found, [(0, 10), (20, 30)])
    cell = timelines(family(), {}, said, truth, np.array(["a.wav", "b.wav"]), "cell")
    assert cell.measure == "mAP@0.5" and cell.recordings == 2
    assert [one.clip_id for one in cell.timelines] == ["a.wav", "b.wav"]
    one = cell.timelines[0]
    (track,) = one.tracks
    assert one.seconds == 30.0 and [event.lost for event in track.reference] == [[], [(20.0, 30.0)]]
    # The second moment overlaps a window that is taken already.
    assert [(event.onset, bool(event.lost)) for event in track.output] == [(1.0, False), (2.0, True)]
    assert (track.missed, track.false) == (1.0, 1.0)
    assert max(track.scores) == 100 and len(track.scores) == 100 and track.scores[-1] == 0
    chart = timeline("t", "Moments of a.wav", one, cell.per, None, "Query")
    assert "a dog &lt;b&gt;" in chart and '<th scope="col">Query</th>' in chart


def test_the_figure_of_a_recording_is_its_own():
    said, truth = recording([(1, 10, 0.9)], [(0, 10)])
    cell = timelines(family(), {}, said, truth, np.array(["a.wav", "b.wav"]), "cell")
    assert [one.f1 for one in cell.timelines] == [1.0, 1.0] and cell.median_f1 == 1.0
    said, truth = recording([(11, 12, 0.9)], [(0, 10)])
    cell = timelines(family(), {}, said, truth, np.array(["a.wav", "b.wav"]), "cell")
    assert [(one.why, one.f1) for one in cell.timelines] == [("worst", 0.0), ("typical", 1.0)]


@pytest.mark.parametrize("empty", [np.zeros((0, 3))])
def test_a_recording_without_a_moment_is_drawn_empty(empty):
    said, truth = recording([(0, 1, 1)], [(0, 10)])
    said[0] = (empty,)
    cell = timelines(family(), {}, said, truth, np.array(["a.wav", "b.wav"]), "cell")
    assert cell.timelines[0].tracks[0].output == [] and cell.timelines[0].tracks[0].missed == 1.0

"""Clips that stored answers may be about: those of all splits that share a file, each once."""

from __future__ import annotations

from dataclasses import replace

from benchbed.run.computing.lookup import pool_of


def test_a_clip_of_two_folds_is_asked_about_once(toy_job, toy_table):
    job = replace(toy_job(), pools={"one": toy_table.iloc[:5], "two": toy_table.iloc[3:9]})
    assert pool_of(job, ["one", "two"])["clip_id"].tolist() == toy_table["clip_id"].tolist()[:9]
    assert pool_of(job, ["two"])["clip_id"].tolist() == toy_table["clip_id"].tolist()[3:9]

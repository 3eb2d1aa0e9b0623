"""Records of earlier schema versions, brought to today's.

======= ======================================================================================================
version what it has
======= ======================================================================================================
1       until digests came, the same without one; every field that was added since has a default that says nothing
2       is always sealed: a record without its digest is damaged
======= ======================================================================================================

A step is a function from the members of one version to those of the next, so that a record of any age passes through
all that came since. `tests/results/records` has a record of every version, as it was written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchbed.results.record import SCHEMA_VERSION

#: Members of a record, by name.
Members = dict[str, object]

#: What is said of a record that nothing vouches for.
UNSEALED = {
    "name": "record",
    "status": "warn",
    "message": "written before records had a digest (schema version 1): nothing tells whether it is as it was written",
}


def _sealed(members: Members) -> Members:
    """From version 1 to 2: a record without a digest says so among its checks."""
    checks = members.get("checks", [])
    if not members.get("digest") and isinstance(checks, list):
        members = {**members, "checks": [*checks, UNSEALED]}
    return members


#: Version → the step to the next.
STEPS: Mapping[int, Callable[[Members], Members]] = {1: _sealed}


def may_lack_digest(version: int) -> bool:
    """Whether records of a version were written without a digest, too.

    Examples
    --------
    >>> may_lack_digest(1), may_lack_digest(2)
    (True, False)
    """
    return version == 1


def readable(version: object) -> bool:
    """Whether a version is today's, or one that there are steps from.

    Examples
    --------
    >>> readable(1), readable(SCHEMA_VERSION), readable(0), readable(True), readable("1")
    (True, True, False, False, False)
    """
    return type(version) is int and (version == SCHEMA_VERSION or version in STEPS)


def upgraded(members: Members, version: int) -> Members:
    """Members of a record as today's version has them.

    Parameters
    ----------
    members : dict
        As they stand in the file, with its digest if it has one.
    version : int
        One that is `readable`.

    Examples
    --------
    >>> upgraded({"schema_version": 1, "checks": []}, 1)["checks"][0]["name"]
    'record'
    """
    while version < SCHEMA_VERSION:
        members, version = STEPS[version](members), version + 1
    return {**members, "schema_version": SCHEMA_VERSION}

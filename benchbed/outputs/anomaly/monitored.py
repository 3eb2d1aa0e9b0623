"""What is known of a clip of a machine: which one, in which domain, and whether its sound is normal."""

from __future__ import annotations

from dataclasses import dataclass

from benchbed.errors import DataError

#: Columns of the clip table.
DOMAIN, STATE = "domain", "state"
#: Words of these columns; recordings of 2020 have no domain.
DOMAINS, STATES = ("source", "target"), ("normal", "anomaly")


@dataclass(frozen=True)
class MonitoredClip:
    """The reference of a clip.

    Attributes
    ----------
    section : str
        The machine and its part within which scores are ranked, e.g. `fan section_00` or `ToyCar id_01`.
    domain : str
        `source`, `target`, or nothing where a year has no domains.
    anomalous : bool
        Its sound is none of a machine in order.
    """

    section: str
    domain: str
    anomalous: bool

    def __str__(self) -> str:
        state = "an anomaly" if self.anomalous else "normal"
        return f"{state} ({self.section}{f', {self.domain}' if self.domain else ''})"


def monitored(section: str, domain: str, state: str) -> MonitoredClip:
    """A reference from the words of a table.

    Raises
    ------
    DataError
        Other words than `normal` and `anomaly`, `source`, `target` and none.

    Examples
    --------
    >>> print(monitored("fan section_00", "target", "anomaly"))
    an anomaly (fan section_00, target)
    """
    if state not in STATES:
        raise DataError(f"the state of a clip of {section} is '{state}'", hint=" or ".join(STATES))
    if domain not in (*DOMAINS, ""):
        raise DataError(f"the domain of a clip of {section} is '{domain}'", hint=" or ".join(DOMAINS))
    return MonitoredClip(section, domain, state == "anomaly")

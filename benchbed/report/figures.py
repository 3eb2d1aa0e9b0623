"""How figures are written: one place, so that a number looks the same in a page, a board and a terminal.

Only the spelling changes here (per cent, digits, signs); no figure is derived from another.
"""

from __future__ import annotations

import math

from benchbed.results.record import Value

#: Narrow no-break space: keeps a number and its unit on one line.
THIN = "\u202f"
#: Shown where there is no number.
NONE = "–"

_PREFIXED = {"MACs", "FLOPs", "parameters"}
_WHOLE = {"clips", "tags", "count", "events", "groups", "classes"}
_DIGITS = {
    "kB": 1,
    "fraction": 1,
    "dB": 1,
    "nats": 3,
    "bits": 3,
    "degrees": 1,
    "°": 1,
    "s": 3,
    "ms": 2,
    "score": 3,
    "": 3,
}


def number(value: float | None, unit: str = "", *, with_unit: bool = True) -> str:
    """A figure as it is printed: fractions as per cent with one decimal, counts whole, the rest to fixed digits.

    Examples
    --------
    >>> number(0.57341, "fraction") == f"57.3{THIN}%"
    True
    >>> number(1.23456, "nats", with_unit=False), number(None, "nats"), number(-0.00001, "fraction", with_unit=False)
    ('1.235', '–', '0.0')
    >>> number(29_234_920, "MACs", with_unit=False), number(100_200, "bytes", with_unit=False)
    ('29.23 M', '100.2 k')
    >>> number(1.4e-06, "dB SNR", with_unit=False), number(18.25, "dB SNR", with_unit=False)
    ('0', '18.25')
    >>> number(3, "severity")
    'step 3'
    """
    if value is None or not math.isfinite(value):
        return NONE
    if unit in _PREFIXED:
        text = _prefixed(value)
    elif unit == "bytes":
        large = abs(value) >= 1000
        if large and with_unit:
            return number(value / 1000, "kB")
        text = f"{value / 1000:,.1f} k" if large else f"{value:,.0f}"
    elif unit in _WHOLE:
        text = f"{value:,.0f}"
    elif unit in _DIGITS:
        text = f"{value * 100 if unit == 'fraction' else value:,.{_DIGITS[unit]}f}"
    else:
        # Of a level in dB nobody hears a thousandth: rounding errors of a level of nothing are none.
        value = round(value, 3) + 0.0 if unit.startswith("dB") else value
        text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    # "-0.0" would claim a sign that the printed digits do not show.
    if text.startswith("-"):
        text = "−" + text[1:] if any(digit in "123456789" for digit in text) else text[1:]
    if unit == "severity":
        return f"step {text}" if with_unit else text
    suffix = {"fraction": "%", "score": ""}.get(unit, unit)
    return f"{text}{THIN}{suffix}" if with_unit and suffix else text


def _prefixed(value: float) -> str:
    for size, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.4g} {prefix}"
    return f"{value:,.0f}"


def tick(value: float, unit: str) -> str:
    """A figure at an axis, as short as it can be and without its unit.

    Examples
    --------
    >>> tick(0.25, "fraction"), tick(1.0, "nats"), tick(2e7, "MACs")
    ('25', '1', '20 M')
    """
    if unit in _PREFIXED:
        return _prefixed(value)
    text = f"{value * 100:.6g}" if unit == "fraction" else f"{value / 1000:g} k" if unit == "bytes" else f"{value:g}"
    return text.replace("-", "−", 1) if text.startswith("-") else text


def interval(value: Value) -> str:
    """The interval as `[low, high]` in the unit of the figure, or an empty text where there is none.

    Examples
    --------
    >>> interval(Value(value=.5, low=.411, high=.588, n=9, direction="higher", unit="fraction", rule="r"))
    '[41.1, 58.8]'
    """
    return bounds(value.low, value.high, value.unit)


def bounds(low: float | None, high: float | None, unit: str) -> str:
    """Ends of an interval as `[low, high]`, or an empty text where one of them is missing.

    Examples
    --------
    >>> bounds(0.411, 0.588, "fraction"), bounds(None, 0.588, "fraction")
    ('[41.1, 58.8]', '')
    """
    if low is None or high is None:
        return ""
    return f"[{number(low, unit, with_unit=False)}, {number(high, unit, with_unit=False)}]"


def with_interval(value: Value) -> str:
    """A figure that has a value, and its interval, without their unit; a step of a corruption is said in its own unit.

    Examples
    --------
    >>> with_interval(Value(value=.5, low=.4, high=.6, n=1, direction="higher", unit="fraction", rule="r"))
    '50.0 [40.0, 60.0]'
    >>> with_interval(Value(value=3, note="10 dB SNR", n=1, direction="higher", unit="severity", rule="r"))
    '10 dB SNR'
    """
    if value.unit == "severity" and value.note:
        return value.note
    return f"{number(value.value, value.unit, with_unit=value.unit == 'severity')} {interval(value)}".strip()


def key(value: Value) -> str:
    """A figure as the key that tables sort by: more digits than are shown, and no more than that takes.

    Examples
    --------
    >>> key(Value(value=2 / 3, n=9, direction="higher", unit="fraction", rule="r"))
    '0.66666667'
    """
    return "" if value.value is None else f"{value.value:.8g}"


def signed(value: float | None, unit: str) -> str:
    """A difference with its sign, without its unit.

    Examples
    --------
    >>> signed(0.0312, "fraction"), signed(-0.5, "nats"), signed(None, "")
    ('+3.1', '−0.500', '–')
    """
    text = number(value, unit, with_unit=False)
    return f"+{text}" if value is not None and value > 0 and any(digit in "123456789" for digit in text) else text


def p_value(p: float | None) -> str:
    """A p-value to three decimals.

    Examples
    --------
    >>> p_value(0.0004), p_value(0.0312), p_value(None)
    ('<0.001', '0.031', '–')
    """
    return NONE if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"


def count(n: int) -> str:
    """A whole number with its thousands grouped.

    Examples
    --------
    >>> count(230000)
    '230,000'
    """
    return f"{n:,}"


def duration(seconds: float) -> str:
    """A time span in the largest units that matter.

    Examples
    --------
    >>> duration(42.31), duration(754), duration(9000)
    ('42.3 s', '12 min 34 s', '2 h 30 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def sentence(value: Value) -> str:
    """Everything needed to read a figure, in one line for screen readers and hover.

    Examples
    --------
    >>> print(sentence(Value(value=None, n=0, direction="lower", unit="nats", rule="log_loss:1", reason="no clips")))
    no value: no clips. 0 clips. Lower is better. Rule log_loss:1.
    """
    if value.value is None:
        parts = [f"no value: {value.reason or 'no reason recorded'}"]
    else:
        parts = [number(value.value, value.unit)]
        if bounds := interval(value):
            parts.append(f"interval {bounds}" + (f" ({value.interval})" if value.interval else ""))
        else:
            parts.append(f"no interval: {value.reason or 'no reason recorded'}")
    if value.note:
        parts.append(value.note)
    parts += [f"{clips(value)} clips", f"{value.direction.capitalize()} is better", f"Rule {value.rule}"]
    return ". ".join(parts) + "."


def clips(value: Value) -> str:
    """How many clips a figure stands on, and how many it should where it lacks some.

    Examples
    --------
    >>> clips(Value(value=1, n=385, of=400, direction="higher", unit="fraction", rule="r"))
    '385 of 400'
    """
    return count(value.n) if value.of is None else f"{count(value.n)} of {count(value.of)}"


def arrow(value: Value) -> str:
    """The direction of improvement as an arrow.

    Examples
    --------
    >>> arrow(Value(value=1, n=1, direction="lower", unit="nats", rule="r"))
    '↓'
    """
    return "↑" if value.direction == "higher" else "↓"

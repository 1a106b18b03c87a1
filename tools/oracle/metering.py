"""How uses of a meter become a quantity."""

from fractions import Fraction

from . import planted
from .periods import SECOND, share


class Use:
    """One event as one meter reads it."""

    def __init__(self, position, event, value, key=None, removes=False):
        self.position = position
        self.time = event["at"]
        self.order = (event["at"], event["source"].encode(), event["id"].encode())
        self.value = value
        self.key = key
        self.removes = removes
        self.data = event["data"]


def lookup(data, path):
    for part in path.split("."):
        if not isinstance(data, dict) or part not in data:
            return None
        data = data[part]
    return data


def same(left, right):
    return type(left) is type(right) and left == right


def read(meter, position, event):
    """The use that an event is of a meter; nothing if it is none, or cannot be read."""
    if event["type"] != meter["event"]:
        return None
    for path, wanted in meter.get("filter", {}).items():
        value = lookup(event["data"], path)
        choices = wanted if isinstance(wanted, list) else [wanted]
        if not any(same(value, choice) for choice in choices):
            return None
    kind = meter["aggregate"]
    if kind == "count":
        return Use(position, event, Fraction(1))
    value = lookup(event["data"], meter["value"])
    if kind == "unique":
        operation = lookup(event["data"], meter["operation"]) if "operation" in meter else None
        if value is None and not has(event["data"], meter["value"]):
            return None
        if operation not in (None, "add", "remove"):
            return None
        removes = operation == "remove" and not planted.is_on("remove_ignored")
        return Use(position, event, Fraction(0), (type(value).__name__, value), removes)
    if not isinstance(value, Fraction):
        return None
    return Use(position, event, value)


def has(data, path):
    head, _, rest = path.partition(".")
    if not isinstance(data, dict) or head not in data:
        return False
    return has(data[head], rest) if rest else True


def in_order(uses):
    if planted.is_on("order_by_arrival"):
        return sorted(uses, key=lambda use: (use.time, use.position))
    return sorted(uses, key=lambda use: use.order)


def aggregate(meter, uses):
    kind = meter["aggregate"]
    if kind == "unique":
        present = set()
        for use in uses:
            (present.discard if use.removes else present.add)(use.key)
        return Fraction(len(present))
    if not uses:
        return Fraction(0)
    values = [use.value for use in uses]
    if kind in ("count", "sum", "time_weighted"):
        return sum(values, Fraction(0))
    if kind == "max":
        return max(values)
    if kind == "min":
        return min(values)
    if kind == "average":
        return sum(values, Fraction(0)) / len(values)
    if kind == "latest":
        return values[-1]
    raise AssertionError(kind)


def convert(meter, quantity):
    terms = meter.get("convert")
    if terms is None:
        return quantity
    quantity = quantity * Fraction(terms.get("multiply", 1)) / Fraction(terms.get("divide", 1))
    scale = 10 ** int(terms.get("decimals", 0))
    how = terms.get("round", "none")
    if how == "none":
        return quantity
    scaled = quantity * scale
    if how == "floor":
        return Fraction(scaled.numerator // scaled.denominator, scale)
    if how == "ceiling":
        return Fraction(-(-scaled.numerator // scaled.denominator), scale)
    return Fraction(half_away(scaled), scale)


def half_away(value):
    """The nearest whole number; from the middle away from zero."""
    whole, rest = divmod(abs(value.numerator), value.denominator)
    if planted.is_on("half_even") and 2 * rest == value.denominator:
        whole += whole % 2
    elif 2 * rest >= value.denominator:
        whole += 1
    return -whole if value < 0 else whole


class Metered:
    """The uses of one meter, in billing order."""

    def __init__(self, meter, uses, zone):
        self.meter, self.uses, self.zone = meter, in_order(uses), zone
        self.carries = meter.get("carry", False) and not planted.is_on("carry_forgotten")

    def within(self, start, end):
        return [use for use in self.uses if start <= use.time < end]

    def raw(self, span, whole):
        meter, kind = self.meter, self.meter["aggregate"]
        mine = self.within(*span)
        if "window" in meter:
            windows = {}
            for use in mine:
                windows.setdefault(self.window(use.time), []).append(use)
            totals = [aggregate(meter, uses) for uses in windows.values()]
            if not totals:
                return Fraction(0)
            return max(totals) if meter.get("across") == "max" else sum(totals, Fraction(0))
        if kind == "time_weighted":
            levels, _ = self.levels(span, whole, "second")
            return sum((level * weight for level, weight in levels), Fraction(0))
        if kind == "latest" and self.carries:
            return aggregate(meter, self.within(-(2**63), span[1]))
        if kind == "unique" and "operation" in meter:
            start = -(2**63) if self.carries else whole[0]
            return aggregate(meter, self.within(start, span[1]))
        return aggregate(meter, mine)

    def quantity(self, span, whole):
        return convert(self.meter, self.raw(span, whole))

    def window(self, time):
        if self.meter["window"] == "day":
            if planted.is_on("window_in_utc"):
                return time // (86400 * SECOND)
            return self.zone.midnight(time)
        # The instant at which the hour on the clocks began: an hour that comes twice is two.
        return time - self.zone.local(time)[1] % (3600 * SECOND)

    def levels(self, span, whole, how):
        """Levels and the part of the period for which each held, and the level at the end."""
        begin = lambda use: self.zone.midnight(use.time) if how == "day" else use.time
        opening = -(2**63) if self.carries else whole[0]
        changes = [use for use in self.uses if opening <= use.time < span[1]]
        edges = sorted({span[0], span[1]} | {begin(u) for u in changes if span[0] < begin(u) < span[1]})
        levels = []
        for start, end in zip(edges, edges[1:]):
            level = aggregate(self.meter, [use for use in changes if begin(use) <= start])
            levels.append((level, share((start, end), whole, how, self.zone)))
        return levels, aggregate(self.meter, changes)

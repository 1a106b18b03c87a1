"""What a credit account is made of: buckets, holds, recurring grants, and what entries burnt.

Instants are nanoseconds since 1970 in UTC; amounts are integers of 10^-12.
"""

import datetime
import math
from dataclasses import dataclass, field
from fractions import Fraction

from .periods import DAY, EPOCH, SECOND, add_months, instant

NEVER = math.inf
SCALE = 10**12
KINDS = ["adjustment", "promotional", "plan", "purchased"]
ORDER = ["priority", "restricted", "expires", "kind", "cost", "effective"]
KEYS = {
    "priority": lambda bucket: bucket.priority,
    "restricted": lambda bucket: not bucket.features,
    "expires": lambda bucket: bucket.expires,
    "kind": lambda bucket: KINDS.index(bucket.kind),
    "cost": lambda bucket: bucket.cost or 0,
    "effective": lambda bucket: bucket.effective,
}


def number(value):
    """An amount in units of 10^-12."""
    if isinstance(value, float):
        raise ValueError("a float is not exact")
    scaled = Fraction(value) * SCALE
    if scaled.denominator != 1:
        raise ValueError(f"more than 12 decimals: {value}")
    return scaled.numerator


def quantity(value):
    units = number(value)
    if units < 0:
        raise ValueError(f"units below 0: {value}")
    return units


def exact(amount):
    """An amount as those outside read it."""
    return Fraction(amount, SCALE)


def listed(draws):
    return [(ordinal, exact(units)) for ordinal, units in draws]


def when(value):
    """An instant in nanoseconds."""
    return instant(value) if isinstance(value, str) else value


def template(unit, kind, priority, features, cost):
    if kind not in KINDS:
        raise ValueError(f"not a kind of credit: {kind}")
    return dict(unit=unit, kind=kind, priority=priority, features=frozenset(features),
                cost=None if cost is None else number(cost))


def rollover(most, least):
    """The most and the least that is kept, or none."""
    if most is None and least is None:
        return None
    pair = (NEVER if most is None else number(most), 0 if least is None else number(least))
    if not 0 <= pair[1] <= pair[0]:
        raise ValueError("a rollover keeps at least 0, and its min is not above its max")
    return pair


class Recurrence:
    """Boundaries counted from an anchor."""

    def __init__(self, every, anchor):
        words = every.split(" ")
        unit = words[-1].removesuffix("s")
        count = int(words[0]) if len(words) == 2 else 1
        lengths = {"hour": 3600 * SECOND, "day": DAY, "week": 7 * DAY}
        self.anchor = anchor
        self.length = lengths[unit] * count if unit in lengths else None
        self.months = None if unit in lengths else {"month": 1, "year": 12}[unit] * count

    def boundary(self, index):
        if self.length:
            return self.anchor + index * self.length
        day, rest = divmod(self.anchor, DAY)
        date = add_months(EPOCH + datetime.timedelta(days=day), index * self.months)
        return (date - EPOCH).days * DAY + rest

    def after(self, moment):
        """The first boundary behind an instant."""
        if self.length:
            return self.boundary((moment - self.anchor) // self.length + 1)
        index = (moment - self.anchor) // (31 * DAY * self.months)
        if index < 0:
            index = (moment - self.anchor) // (28 * DAY * self.months) - 1
        while self.boundary(index) <= moment:
            index += 1
        return self.boundary(index)


@dataclass
class Bucket:
    unit: str
    kind: str
    amount: int
    priority: int
    features: frozenset
    cost: int | None
    effective: int
    expires: int
    origin: str | None = None
    rollover: tuple | None = None  # Of a grant that does not recur.
    remaining: int = 0
    drawn: int = 0
    held: int = 0
    cut: int = 0  # By a reset.
    voided: int = 0
    rolled: int = 0
    is_voided: bool = False

    def is_usable(self, moment):
        return self.effective <= moment < self.expires

    def expired(self, moment):
        return self.cut + (self.remaining if self.expires <= moment else 0)


@dataclass
class Hold:
    unit: str
    feature: str
    expires: int
    draws: list


@dataclass
class Recurring:
    id: str
    amount: int
    recurrence: Recurrence
    ends: int
    rollover: tuple | None
    template: dict
    next: int = 0
    current: list = field(default_factory=list)  # The ordinals of this period's buckets.

    def end_of_period(self, start):
        return min(self.recurrence.after(start), self.ends)


@dataclass
class Entry:
    """What one entry burnt, net of what was taken back."""

    unit: str
    draws: list  # [ordinal, units] in paying order.
    shortfall: int  # Not yet repaid.

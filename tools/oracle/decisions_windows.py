"""Windows in which limits count: of the calendar or from an anchor, in a zone, or without an end."""

import datetime

from . import planted
from .periods import BEGINNING, END, EPOCH, SECOND, add_months

HOUR = 3600 * SECOND
MONDAY = 4  # The first Monday of 1970, in days from its beginning.
DAYS = {"hour": 1, "day": 24, "week": 168, "month": 720, "year": 8760}  # In hours: 30 and 365 days.


def split(reset):
    """How many of which unit: `2 weeks` is (2, "week")."""
    words = reset.split(" ")
    return (int(words[0]) if len(words) == 2 else 1), words[-1].removesuffix("s")


def hours(reset):
    """The length that decides which limit is more generous; None never begins anew."""
    if reset == "never":
        return None
    count, unit = split(reset)
    return count * DAYS[unit]


class Windows:
    """Windows of one length, counted from one instant."""

    def __init__(self, reset, zone, anchor):
        self.count, self.unit = split(reset)
        self.zone = zone
        self.is_calendar = anchor is None
        if self.is_calendar:
            anchor = zone.at(MONDAY if self.unit == "week" else 0, 0)
        self.anchor = anchor
        self.day, self.clock = zone.local(anchor)

    def boundary(self, index):
        if index == 0:
            return self.anchor
        if self.unit == "hour":
            return self.anchor + index * self.count * HOUR
        if self.unit in ("day", "week"):
            day = self.day + index * self.count * (7 if self.unit == "week" else 1)
        else:
            months = self.count * (12 if self.unit == "year" else 1)
            date = EPOCH + datetime.timedelta(days=self.day)
            day = (add_months(date, index * months) - EPOCH).days
        return self.zone.at(day, self.clock)

    def around(self, time):
        """The window in which an instant lies: from its start to its end, which is the next one's start."""
        day = self.zone.local(time)[0]
        if self.unit == "hour":
            index = (time - self.anchor) // (self.count * HOUR)
        elif self.unit in ("day", "week"):
            index = (day - self.day) // (self.count * (7 if self.unit == "week" else 1))
        else:
            here, first = (EPOCH + datetime.timedelta(days=d) for d in (day, self.day))
            months = (here.year - first.year) * 12 + here.month - first.month
            index = months // (self.count * (12 if self.unit == "year" else 1))
        after = planted.is_on("window_end_inclusive")
        while self.boundary(index) + after > time:
            index -= 1
        while self.boundary(index + 1) + after <= time:
            index += 1
        return self.boundary(index), self.boundary(index + 1)


def window(reset, anchored, state, time, cut=True):
    """Where usage of an instant counts, by what the account is on then."""
    if reset == "never":
        return BEGINNING, END
    if anchored == "subscription" and state.anchor is not None:
        if state.anchor <= time:
            return Windows(reset, state.zone, state.anchor).around(time)
        # Before that instant they are the calendar's.
        start, end = Windows(reset, state.zone, None).around(time)
        return start, min(end, state.anchor) if cut else end
    return Windows(reset, state.zone, None).around(time)

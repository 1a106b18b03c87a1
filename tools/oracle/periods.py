"""Time zones as tables, billing periods, and parts of them. Instants are nanoseconds since 1970."""

import bisect
import datetime
from fractions import Fraction

from . import planted

SECOND = 10**9
DAY = 86400 * SECOND
EPOCH = datetime.date(1970, 1, 1)
BEGINNING, END = -(2**63), 2**63 - 1


def instant(text):
    """An RFC 3339 instant in UTC."""
    head, _, fraction = text.rstrip("Z").partition(".")
    moment = datetime.datetime.strptime(head, "%Y-%m-%dT%H:%M:%S")
    seconds = (moment.date() - EPOCH).days * 86400 + moment.hour * 3600 + moment.minute * 60
    return (seconds + moment.second) * SECOND + int((fraction or "0").ljust(9, "0"))


def text(time):
    """The instant as Daybook writes it."""
    seconds, nanoseconds = divmod(time, SECOND)
    days, second = divmod(seconds, 86400)
    date = EPOCH + datetime.timedelta(days=days)
    fraction = ("." + str(nanoseconds).rjust(9, "0").rstrip("0")) if nanoseconds else ""
    return f"{date}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}{fraction}Z"


class Zone:
    """Offsets from UTC by instant."""

    def __init__(self, name, table=()):
        self.name = name
        self.froms = [entry[0] for entry in table]
        self.offsets = [entry[1] for entry in table]

    def __eq__(self, other):
        return (self.name, self.froms, self.offsets) == (other.name, other.froms, other.offsets)

    def offset(self, time):
        if not self.froms:
            return 0
        return self.offsets[max(0, bisect.bisect_right(self.froms, time // SECOND) - 1)]

    def local(self, time):
        """Local days since 1970, and nanoseconds of that day."""
        return divmod(time + self.offset(time) * SECOND, DAY)

    def instants(self, day, nanoseconds):
        """All instants at which the clocks show a time, in order."""
        wall = day * DAY + nanoseconds
        found = {wall - offset * SECOND for offset in set(self.offsets or [0])}
        return sorted(t for t in found if t + self.offset(t) * SECOND == wall)

    def at(self, day, nanoseconds):
        """The first of them; of a time that is leapt over, the instant of the leap."""
        found = self.instants(day, nanoseconds)
        if found:
            return found[0]
        wall = day * DAY + nanoseconds
        for index in range(1, len(self.froms)):
            before = self.froms[index] + self.offsets[index - 1]
            after = self.froms[index] + self.offsets[index]
            if before * SECOND <= wall < after * SECOND:
                return self.froms[index] * SECOND
        raise AssertionError("a local time that no clock shows and none leaps over")

    def midnight(self, time):
        return self.at(self.local(time)[0], 0)


UTC = Zone("UTC")


def add_months(date, months):
    number = date.year * 12 + date.month - 1 + months
    year, month = divmod(number, 12)
    following = datetime.date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    last = (following - datetime.timedelta(days=1)).day
    return datetime.date(year, month + 1, min(date.day, last))


class Recurrence:
    """Billing periods counted from an anchor."""

    def __init__(self, every, anchored, zone, anchor):
        words = every.split(" ")
        self.count = int(words[0]) if len(words) == 2 else 1
        self.unit = words[-1].rstrip("s")
        self.zone = zone
        self.is_calendar = anchored == "calendar"
        if self.is_calendar:
            anchor = zone.at(4 if self.unit == "week" else 0, 0)
        self.anchor = anchor

    def key(self):
        return (self.count, self.unit, self.anchor, self.zone.name, self.is_calendar)

    def boundary(self, index):
        day, time = self.zone.local(self.anchor)
        date = EPOCH + datetime.timedelta(days=day)
        if self.unit in ("day", "week"):
            date += datetime.timedelta(days=index * self.count * (7 if self.unit == "week" else 1))
        else:
            months = self.count * (12 if self.unit == "year" else 1)
            if planted.is_on("anchor_from_previous") and index > 0:
                for _ in range(index):
                    date = add_months(date, months)
            else:
                date = add_months(date, index * months)
        if index == 0:
            return self.anchor
        return self.zone.at((date - EPOCH).days, time)

    def containing(self, time):
        days = {"day": 1, "week": 7, "month": 28, "year": 365}[self.unit] * self.count
        index = (time - self.anchor) // (days * DAY) + 2
        while self.boundary(index) > time:
            index -= 1
        return self.boundary(index), self.boundary(index + 1)

    def name(self, start):
        date = EPOCH + datetime.timedelta(days=self.zone.local(start)[0])
        if self.is_calendar and self.unit == "month" and self.count == 1:
            return f"{date:%Y-%m}"
        return str(date)


def share(part, whole, how, zone):
    """Which fraction of a period a part of it is."""
    if how == "none":
        return Fraction(1)
    if how == "second":
        return Fraction(part[1] - part[0], whole[1] - whole[0])
    days = lambda span: zone.local(span[1])[0] - zone.local(span[0])[0]
    counted = days(part)
    if planted.is_on("change_day_inclusive") and part[1] != whole[1]:
        counted += 1
    return Fraction(counted, days(whole)) if days(whole) else Fraction(1)

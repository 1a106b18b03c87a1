"""What the gate test believes of limits and credits: a second reading of the written rules.

It shares no code with the engine. It takes the log's entries in their order, keeps what each account
has used, holds and was granted, and raises `Failure` at the first entry after which a bound is passed
or whose decision the rules do not give. All quantities are integers of 10^-12, all instants
nanoseconds since 1970; there is no rounding but the one of a rate.
"""
import bisect
import calendar
import functools
import time

ONE = 10**12
NEVER = 1 << 63


class Failure(Exception):
    """Something that the engine promised did not hold."""


def check(condition, message):
    """The message is made only when it is needed: this runs several times for each entry."""
    if not condition:
        raise Failure(message() if callable(message) else message)


@functools.lru_cache(100_000)
def units(text):
    """A decimal with at most 12 places, as an integer of 10^-12."""
    whole, _, part = str(text).partition(".")
    return int(whole + part.ljust(12, "0"))


def shown(value):
    """The shortest decimal, as replies have it."""
    whole, part = divmod(abs(value), ONE)
    text = f"{whole}.{part:012}".rstrip("0").rstrip(".") if part else str(whole)
    return "-" + text if value < 0 else text


@functools.lru_cache(1_000)
def _second(text):
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%S")) * 10**9


def instant(text):
    """Nanoseconds of an RFC 3339 time in UTC."""
    fraction = text[20:-1]
    return _second(text[:19]) + (int(fraction.ljust(9, "0")) if fraction else 0)


class Rules:
    """What the catalog of the test says, read from the file that is published."""

    def __init__(self, catalog):
        self.meter = {name: feature["meter"] for name, feature in catalog["features"].items()}
        self.unit, self.rate, self.overdraft, self.repays = {}, {}, {}, set()
        for unit, credit in catalog["credits"].items():
            self.overdraft[unit] = units(credit.get("overdraft", "0"))
            if credit.get("overage") == "repay":
                self.repays.add(unit)
            for meter, rate in credit["burn"].items():
                self.unit[meter], self.rate[meter] = unit, units(rate)
        self.limit = {}
        plan = catalog["plans"][catalog["default_plan"]]
        for feature, allowed in plan["entitlements"].items():
            if isinstance(allowed, dict):
                self.limit[feature] = (units(allowed["limit"]), allowed.get("enforce", "hard") == "hard")

    def cost(self, meter, quantity):
        """Credits that a quantity costs, halves away from zero; quantities are not below zero."""
        return (quantity * self.rate.get(meter, 0) + ONE // 2) // ONE


class Grant:
    __slots__ = ("ordinal", "unit", "amount", "remaining", "held", "effective", "expires", "rank")

    def __init__(self, ordinal, unit, amount, effective, expires, priority):
        self.ordinal, self.unit, self.amount, self.remaining, self.held = ordinal, unit, amount, amount, 0
        self.effective, self.expires = effective, expires
        self.rank = (priority, expires, effective, ordinal)


class Hold:
    __slots__ = ("position", "feature", "quantity", "draws", "ends")

    def __init__(self, position, feature, quantity, draws, ends):
        self.position, self.feature, self.quantity = position, feature, quantity
        self.draws, self.ends = draws, ends


class Account:
    """One account at the instant up to which it was advanced."""

    def __init__(self, rules):
        self.rules = rules
        self.used = {}                                     # by (meter, month)
        self.holds, self.held = {}, dict.fromkeys(rules.meter.values(), 0)
        self.grants = []
        self.live = {unit: [] for unit in rules.overdraft}  # something left, not over; in burn order
        zeros = dict.fromkeys(rules.overdraft, 0)
        self.granted, self.drawn, self.reserved = dict(zeros), dict(zeros), dict(zeros)
        self.expired, self.short = dict(zeros), dict(zeros)
        self.repaid = []                                    # [grant, units]: what paid for overage
        self.refunded = {}                                  # by (position, unit)
        self.clock, self.due = 0, NEVER

    # What falls due by itself

    def advance(self, to):
        """Ends holds and grants, and repays, in the order of their instants: each is due at its own."""
        while self.due <= to:
            self.clock = max(self.clock, self.due)
            for hold in [hold for hold in self.holds.values() if hold.ends <= self.clock]:
                self.end(hold, 0)
            for unit, live in self.live.items():
                over = [grant for grant in live if grant.expires <= self.clock]
                for grant in over:
                    live.remove(grant)
                    self.expired[unit] += grant.remaining
                self.repay(unit)
            self.due = min([hold.ends for hold in self.holds.values()]
                           + [self.next(grant) for live in self.live.values() for grant in live], default=NEVER)
        self.clock = max(self.clock, to)

    def next(self, grant):
        return grant.effective if grant.effective > self.clock else grant.expires

    def give(self, ordinal, value):
        """Credits come back to a grant: usable again, or expired with it."""
        grant = self.grants[ordinal]
        if grant.expires <= self.clock:
            self.expired[grant.unit] += value
        elif value and not grant.remaining:
            bisect.insort(self.live[grant.unit], grant, key=lambda other: other.rank)
            self.due = min(self.due, self.next(grant))
        grant.remaining += value

    def repay(self, unit):
        """New credits pay for overage at the moment at which they can, the oldest grant first."""
        if unit not in self.rules.repays or not self.short[unit]:
            return
        for grant in sorted(self.live[unit], key=lambda grant: grant.ordinal):
            paid = min(grant.remaining, self.short[unit])
            if grant.effective > self.clock or not paid:
                continue
            self.take(grant.ordinal, paid)
            self.drawn[unit] += paid
            self.short[unit] -= paid
            self.repaid.append([grant.ordinal, paid])

    def take(self, ordinal, value):
        grant = self.grants[ordinal]
        grant.remaining -= value
        if not grant.remaining:
            self.live[grant.unit].remove(grant)

    # What entries do

    def add(self, grant):
        self.grants.append(grant)
        self.granted[grant.unit] += grant.amount
        if grant.expires <= self.clock:
            self.expired[grant.unit] += grant.amount
            return
        bisect.insort(self.live[grant.unit], grant, key=lambda other: other.rank)
        self.due = min(self.due, self.next(grant))
        self.repay(grant.unit)

    def payers(self, unit, need):
        """Who pays, in burn order, and what nobody pays."""
        draws = []
        for grant in self.live[unit]:
            if not need:
                break
            if grant.effective <= self.clock:
                draws.append((grant.ordinal, min(grant.remaining, need)))
                need -= draws[-1][1]
        return draws, need

    def balance(self, unit):
        return sum(grant.remaining for grant in self.live[unit] if grant.effective <= self.clock)

    def draw(self, draws, unit):
        """New draws: of a grant that is valid now, and never more than is left of it."""
        for ordinal, value in draws:
            check(ordinal < len(self.grants), lambda: f"grant {ordinal} pays, which was never given")
            grant = self.grants[ordinal]
            check(grant.unit == unit, lambda: f"grant {ordinal} pays, which is of another unit")
            check(grant.effective <= self.clock < grant.expires, lambda: f"grant {ordinal} pays while it is not valid")
            check(0 < value <= grant.remaining,
                  lambda: f"grant {ordinal} pays {shown(value)} of {shown(grant.remaining)}: a balance is passed")
            self.take(ordinal, value)

    def reserve(self, hold):
        for ordinal, value in hold.draws:
            grant = self.grants[ordinal]
            grant.held += value
            self.reserved[grant.unit] += value
        self.holds[hold.position] = hold
        self.held[self.rules.meter[hold.feature]] += hold.quantity
        self.due = min(self.due, hold.ends)

    def end(self, hold, kept):
        """Ends a hold: so many credits of what it reserved are drawn, in paying order, the rest goes back."""
        for ordinal, value in hold.draws:
            grant = self.grants[ordinal]
            grant.held -= value
            used = min(value, kept)
            kept -= used
            self.reserved[grant.unit] -= value
            self.drawn[grant.unit] += used
            self.give(ordinal, value - used)
        del self.holds[hold.position]
        self.held[self.rules.meter[hold.feature]] -= hold.quantity
        for unit in {self.grants[ordinal].unit for ordinal, _ in hold.draws}:
            self.repay(unit)

    def unwind(self, unit, value):
        """Overage that turned out not to be owed was paid already: the newest payments go back first."""
        for payment in reversed(self.repaid):
            if self.grants[payment[0]].unit == unit and value:
                back = min(value, payment[1])
                payment[1] -= back
                value -= back
                self.drawn[unit] -= back
                self.give(payment[0], back)
        self.repaid = [payment for payment in self.repaid if payment[1]]

    # What must hold after each entry

    def audit(self, month):
        for feature, (limit, hard) in self.rules.limit.items():
            meter = self.rules.meter[feature]
            total = self.used.get((meter, month), 0) + self.held[meter]
            check(not hard or total <= limit,
                  lambda: f"a hard limit is passed: {shown(total)} {meter} used and held, {shown(limit)} allowed")
        for unit, overdraft in self.rules.overdraft.items():
            check(0 <= self.short[unit] <= overdraft,
                  lambda: f"an overdraft is passed: {shown(self.short[unit])} of {shown(overdraft)} {unit}")
            left = sum(grant.remaining for grant in self.live[unit])
            used = self.drawn[unit] + self.reserved[unit] + self.short[unit]
            check(self.granted[unit] == used + left + self.expired[unit] - self.short[unit],
                  lambda: f"granted {shown(self.granted[unit])} {unit} is not what became of them: used {shown(used)}, "
                          f"left {shown(left)}, expired {shown(self.expired[unit])}, overage {shown(self.short[unit])}")

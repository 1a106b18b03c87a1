"""Random histories of a credit account, whose instants often are those of expiries and renewals."""

import random

from .credits import Account
from .credits_state import KINDS, NEVER, ORDER
from .periods import DAY, SECOND, instant, text

HOUR = 3600 * SECOND
START = instant("2026-01-01T00:00:00Z")
FEATURES = ["chat", "images", "search"]
ANCHORS = ["2025-10-31T00:00:00Z", "2026-01-31T10:00:00Z", "2026-01-01T00:00:00Z",
           "2024-02-29T12:30:00Z", "2026-03-30T23:59:59.999999999Z", "2026-01-03T06:00:00Z"]
SHORT = ["hour", "6 hours"]
EVERY = [*SHORT, "day", "day", "2 days", "week", "week", "2 weeks", "month", "month", "3 months",
         "year"]
STEPS = {"grant": 5, "recur": 1, "consume": 5, "use": 8, "hold": 4, "extend": 2, "settle": 4,
         "release": 2, "void": 1, "reset": 1, "correct": 3}


def random_options(seed):
    """What the catalog says, as the arguments of `Account`."""
    r = random.Random(f"options/{seed}")
    order = None if r.random() < 0.6 else r.sample(ORDER, r.randint(0, len(ORDER)))
    return {"order": order, "overage": r.choice(["repay", "repay", "repay", "keep"]),
            "settle_over": r.choice(["deny", "deny", "allow"])}


def random_history(seed, count=40):
    """Yields steps as dictionaries of JSON: amounts and times as text, what is not given left out.

    `recorded_at` never falls. The choices are those of an account with `random_options(seed)`.
    """
    maker = _Maker(random.Random(f"history/{seed}"), Account(**random_options(seed)))
    for number in range(count):
        step = maker.step(number)
        maker.account.do(step)
        yield step


class _Maker:
    def __init__(self, r, account):
        self.r, self.account = r, account
        self.account.advance(START)
        self.now = START
        self.given = []  # (id, units) of all that may have burnt.
        self.placed = []  # (id, units) of all holds.
        self.chosen = None  # One of them.

    def chance(self, p):
        return self.r.random() < p

    def amount(self, most=100):
        places = self.r.choice([0, 0, 0, 0, 1, 2, 12])
        digits = str(self.r.randint(1, most * 10**places)).rjust(places + 1, "0")
        return digits[:-places] + "." + digits[-places:] if places else digits

    # Times

    def marks(self):
        """Where something falls due, or fell due."""
        account = self.account
        found = {bucket.effective for bucket in account.buckets}
        found |= {bucket.expires for bucket in account.buckets}
        found |= {hold.expires for hold in account.holds.values()}
        found |= {grant.next for grant in account.recurring.values()}
        return sorted(found - {NEVER})

    def later(self, most=30):
        """An instant after now: often one of those, or beside it."""
        ahead = [mark for mark in self.marks() if self.now < mark <= self.now + most * DAY][:4]
        if ahead and self.chance(0.6):
            chosen = self.r.choice(ahead) + self.r.choice([0, 0, 0, 0, -1, 1])
            return max(chosen, self.now + 1)
        if self.chance(0.5):
            return (self.now // DAY + self.r.randint(1, most)) * DAY
        return self.now + self.r.randint(1, most * 24) * HOUR

    def earlier(self):
        """An instant at most 60 days before now."""
        behind = [mark for mark in self.marks() if self.now - 60 * DAY < mark <= self.now]
        if behind and self.chance(0.6):
            return self.r.choice(behind[-8:]) + self.r.choice([0, 0, -1])
        return self.now - self.r.randint(0, 60 * 24) * HOUR

    def move(self):
        if self.chance(0.6):
            self.now = self.later(self.r.choice([1, 2, 5, 9]))

    def choose(self):
        """A hold, mostly one that is open and stays so for now, or just expires."""
        ids = [pair for pair in self.placed if pair[0] in self.account.holds]
        if not ids or self.chance(0.1):
            self.chosen = self.r.choice(self.placed)
            return self.move()
        self.chosen = self.r.choice(ids)
        expires = self.account.holds[self.chosen[0]].expires
        if expires < self.now + 5 * DAY:
            between = self.now + (expires - self.now) // 2
            self.now = self.r.choice([self.now, self.now, between, expires - 1, expires])

    # Steps

    def step(self, number):
        if number < 2:
            name = self.r.choice(["grant", "grant", "recur"])
        else:
            name = self.r.choices(list(STEPS), list(STEPS.values()))[0]
        if name in ("extend", "settle", "release") and not self.account.holds:
            name = name if self.placed and self.chance(0.15) else "hold"
        if name == "correct" and not self.given:
            name = "use"
        if name == "recur" and len(self.account.recurring) == 3:
            name = "grant"
        if name in ("extend", "settle", "release"):
            self.choose()
        else:
            self.move()
        return {"do": name, "recorded_at": text(self.now), **getattr(self, "_" + name)(number)}

    def _template(self):
        named = {"unit": self.r.choice(["credits", "credits", "credits", "tokens"]),
                 "kind": self.r.choice(KINDS), "priority": self.r.choice([0, 0, 0, 1, 2])}
        if self.chance(0.3):
            named["features"] = self.r.sample(FEATURES, self.r.randint(1, 2))
        if self.chance(0.4):
            named["cost"] = self.r.choice(["0", "0.1", "0.25"])
        return named

    def _rollover(self):
        if self.chance(0.5):
            return {}
        least, most = sorted([self.r.randint(0, 60), self.r.randint(0, 120)])
        both = {"rollover_max": str(most), "rollover_min": str(least)}
        if self.chance(0.4):
            del both[self.r.choice(list(both))]
        return both

    def _grant(self, number):
        at = self.now if self.chance(0.7) else self.earlier()
        named = {"at": text(at), "amount": self.amount(), **self._template(), **self._rollover()}
        effective = at
        if self.chance(0.5):
            effective = self.later(10) if self.chance(0.6) else self.earlier()
            named["effective"] = text(effective)
        if self.chance(0.75):
            expires = self.later(30) if self.chance(0.8) else self.earlier()
            if expires <= effective:
                expires = effective + self.r.choice([1, HOUR, DAY, 7 * DAY])
            named["expires"] = text(expires)
        return named

    def _recur(self, number):
        effective = self.r.choice([self.now, self.later(5), self.earlier()])
        every = self.r.choice(EVERY)
        named = {"id": self.r.choice("abcxyz") + str(number), "amount": str(self.r.randint(9, 99)),
                 "every": every, "effective": text(effective), **self._template(),
                 **self._rollover()}
        if "rollover_min" in named and "month" not in every:
            named.setdefault("rollover_max", named["rollover_min"])
        named["anchor"] = self.r.choice([*ANCHORS, text(effective), text(self.later(5))])
        if every in SHORT:
            named["ends"] = text(effective + self.r.randint(1, 36) * HOUR)
        elif self.chance(0.3):
            named["ends"] = text(effective + self.r.randint(1, 40) * DAY)
        return named

    def _burning(self, number, most):
        named = {"id": f"{number}", "units": self.amount(most), "feature": self.r.choice(FEATURES)}
        if self.chance(0.25):
            named["unit"] = "tokens"
        return named

    def _consume(self, number):
        named = self._burning(number, 35)
        self.given.append((named["id"], named["units"]))
        return named

    def _use(self, number):
        named = self._burning(number, 90)
        self.given.append((named["id"], named["units"]))
        return {**named, "time": text(self.now if self.chance(0.5) else self.earlier())}

    def _hold(self, number):
        named = self._burning(number, 25)
        self.placed.append((named["id"], named["units"]))
        self.given.append((named["id"], named["units"]))
        return {**named, "expires": text(self.later(self.r.choice([1, 5, 20, 40])))}

    def _extend(self, number):
        hold = self.account.holds.get(self.chosen[0])
        expires = self.later(10)
        if hold and self.chance(0.7):
            expires = hold.expires + self.r.choice([0, 1, HOUR, DAY])
        return {"id": self.chosen[0], "expires": text(expires)}

    def _settle(self, number):
        id, held = self.chosen
        units = [held, held, self.amount(20), self.amount(40), self.amount(90), "0"]
        return {"id": id, "units": self.r.choice(units)}

    def _release(self, number):
        return {"id": self.chosen[0]}

    def _void(self, number):
        return {"ordinal": self.r.randint(0, len(self.account.buckets))}

    def _reset(self, number):
        return {"unit": self.r.choice(["credits", "credits", "tokens"])}

    def _correct(self, number):
        entry, units = self.r.choice(self.given)
        return {"entry": entry, "units": self.r.choice([units, self.amount(20), self.amount(60)])}

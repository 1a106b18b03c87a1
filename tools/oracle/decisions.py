"""What one account may do: a second model, from the documents alone; it shares no code with the engine.

Instants are nanoseconds since 1970, quantities are fractions.

READINGS: what the documents leave open, or say in few words, and what is done here.

 1. An unknown feature is said before anything else, then an archived account. A feature's default holds where there
    is neither a subscription nor a default plan.
 2. `unpaid` is denied as `subscription_past_due`, a trial that gives no access as `no_active_subscription`.
 3. Of the own subscription the newest `subscribe` is its beginning beside outside ones; windows count from the first
    since it last ended. A subscription that is `incomplete` counts where there is no other.
 4. A status begins again behind a pause, and goes on from one snapshot, or `subscribe`, to the next of the same.
 5. What is to come behind a cancellation or a resume is what lies behind both its own time and its recording.
 6. Without a subscription, windows "from the subscription's beginning" are the calendar's.
 7. An open hold counts against the limits of its meter in whatever window is asked about, by the property of its data.
 8. A consume that adds nothing to the usage (0, or less than a maximum) is within every limit.
 9. A reset holds for all features of the meter. Usage of an earlier time, and what was recorded before it, is outside.
10. Warnings look at the windows that run when an entry is recorded. Once a percentage was reached in a window, a lower
    one is not news, and a limit of 0 has none.
11. `per: quantity` multiplies `overage` as well. `add` without a limit is on top of 0 a calendar month.
12. A cap looks at the whole calendar month at the present plan's prices.
13. What a settlement uses beyond credits is `allowed_overage`.
"""

from fractions import Fraction

from . import planted
from .credits import Account
from .decisions_plans import spoken
from .decisions_rules import Rules, duration
from .decisions_usage import property_of
from .periods import SECOND, instant

MINUTE = 60 * SECOND
TIMES = ("recorded_at", "effective", "expires", "until", "trial_until", "pause_until", "cancel_at", "started", "time",
         "existing_from")


class Refused(Exception):
    """The word of a refusal."""


class Decider(Rules):
    """One account, entry by entry."""

    def run(self, entry):
        self.position += 1
        entry = {key: instant(value) if key in TIMES and isinstance(value, str) else value
                 for key, value in entry.items()}
        if isinstance(entry.get("anchor"), str) and entry["anchor"][0].isdigit():
            entry["anchor"] = instant(entry["anchor"])
        self.now = entry["recorded_at"]
        self.expire()
        if entry.get("when") == "period_end":
            entry["effective"] = self.held.period(self.now)[1]
        try:
            decision = getattr(self, entry["kind"])(entry)
        except Refused as refused:
            self.refused += 1
            return {"error": str(refused)}
        self.named = self.named or entry["kind"] != "publish"
        return decision or {}

    def expire(self):
        for name in [name for name, hold in self.open.items() if hold["expires"] <= self.now]:
            del self.open[name]

    # Catalogs and subscriptions

    def publish(self, entry):
        self.held.publish(entry)
        catalog = entry["catalog"]
        credit = catalog.get("credit")
        if credit:
            self.burn = {meter: Fraction(rate) for meter, rate in credit["burn"].items()}
            self.credits = self.credits or Account(overage=credit.get("overage", "keep"),
                                                   settle_over=credit.get("settle_over", "deny"))
        for owner in [*catalog["plans"].values(), *catalog.get("addons", {}).values()]:
            for feature, entitlement in owner.get("entitlements", {}).items():
                self.usage.name(self.meter(feature), spoken(entitlement))

    def change(self, entry):
        # `daybook rate` numbers what has no id, and what stands for a refused entry as well.
        entry = {"effective": self.now, "numbered": str(self.position + self.refused), **entry}
        for key in ("quantity", "rank"):
            if key in entry:
                entry[key] = int(entry[key])
        entry["addons"] = {name: int(count) for name, count in entry.get("addons", {}).items()}
        self.held.record(entry, self.position)

    def subscribe(self, entry):
        catalog = self.held.newest()
        if entry["plan"] not in catalog["plans"]:
            raise Refused("bad_request")
        if any(name not in catalog.get("addons", {}) for name in entry.get("addons", {})):
            raise Refused("bad_request")
        self.change(entry)

    subscription = change

    def cancel(self, entry):
        time = entry.get("effective", self.now)
        if self.held.own_at(time) is None and not self.held.coming(time, self.now, ("subscribe",)):
            raise Refused("bad_request")
        self.change(entry)

    def pause(self, entry):
        own = self.held.own_at(entry.get("effective", self.now))
        if own is None or own.status == "paused":
            raise Refused("bad_request")
        self.change(entry)

    def resume(self, entry):
        # There must be something that it takes back.
        time = entry.get("effective", self.now)
        own = self.held.own_at(time)
        coming = self.held.coming(time, self.now, ("cancel", "pause"))
        if not (own is not None and own.status == "paused" or coming):
            raise Refused("bad_request")
        self.change(entry)

    def account(self, entry):
        if entry["action"] == "create":
            if self.named:
                raise Refused("exists")
            return
        time, archives = entry.get("effective", self.now), entry["action"] == "archive"
        if not self.named or self.is_archived(time) == archives:
            raise Refused("bad_request")
        self.archived.append((time, self.position, archives))

    def override(self, entry):
        self.overrides.append({"effective": self.now, **entry, "position": self.position})
        if "entitlement" in entry:
            self.usage.name(self.meter(entry["feature"]), spoken(entry["entitlement"]))

    # Using

    def amount(self, meter, quantity):
        return quantity * self.burn.get(meter, 0)

    def burns(self, meter):
        return self.credits is not None and meter in self.burn

    def consume(self, entry):
        feature = entry["feature"]
        entry = {**entry, "quantity": Fraction(entry.get("quantity", 1))}
        reason, draws = self.ruled(entry, feature), []
        meter = self.meter(feature)
        allowed = reason.startswith("allowed")
        if allowed and self.burns(meter):
            covered, draws = self.credits.consume(str(self.position), self.now, self.amount(meter, entry["quantity"]),
                                                  meter)
            if not covered:
                allowed, reason = False, "credit_insufficient"
        decision = {"allowed": allowed, "reason": reason, "draws": draws}
        if allowed and meter:
            decision["warnings"] = self.count(meter, entry["quantity"], self.now, entry.get("data", {}))
        return decision

    def event(self, entry):
        catalog, time = self.held.newest(), entry.get("time", self.now)
        rules = catalog.get("events", {})
        if "max_age" in rules and time < self.now - duration(rules["max_age"]):
            raise Refused("event_too_old")
        if "max_ahead" in rules and time > self.now + duration(rules["max_ahead"]):
            raise Refused("event_in_future")
        decision = {"warnings": []}
        for name, meter in sorted(catalog["meters"].items()):
            if meter["event"] != entry["type"]:
                continue
            quantity = Fraction(1)
            if meter["aggregate"] != "count":
                quantity = property_of(entry["data"], meter["value"])
                if not isinstance(quantity, Fraction):
                    continue
            if not all(self.matches(entry["data"], *pair) for pair in meter.get("filter", {}).items()):
                continue
            if self.burns(name):
                draws, rest = self.credits.use(f"{self.position}/{name}", self.now, self.amount(name, quantity), name,
                                               time)
                decision["draws"], decision["shortfall"] = draws, rest
            decision["warnings"] += self.count(name, quantity, time, entry["data"])
        decision["warnings"].sort()
        return decision

    @staticmethod
    def matches(data, path, wanted):
        value = property_of(data, path)
        return value in (wanted if isinstance(wanted, list) else [wanted])

    def count(self, meter, quantity, time, data):
        """Counts usage; answers the thresholds that it reaches in the windows that are running."""
        state, found = self.held.at(self.now), []
        for feature, definition in sorted(self.held.newest()["features"].items()):
            if definition.get("meter") != meter:
                continue
            entitlement, _ = self.entitlement(feature, state, self.now)
            if entitlement is None or entitlement["kind"] != "limit" or not entitlement["limit"]:
                continue
            start, end = self.usage.window(meter, entitlement, state, self.now)
            if not start <= time < end:
                continue
            by = property_of(data, entitlement["by"])
            used = self.usage.after(meter, self.usage.used(meter, entitlement, by, state, self.now), quantity)
            # Windows of one start and one end are one, however they are counted.
            whole = self.usage.whole(meter, entitlement, state, self.now, cut=False)
            reset = self.usage.resets.get(meter, {"at": None})["at"]
            note, last = (feature, whole, entitlement["by"], reset, by), 0
            if not planted.is_on("warned_again"):
                last = self.noted.get(note, 0)
            for percent in sorted(set(map(int, entitlement["warn"]))):
                # Once a higher one was reached, a lower one that a new plan names is not news.
                if used * 100 >= entitlement["limit"] * percent and percent > last:
                    self.noted[note] = percent
                    found.append([feature, percent])
        self.usage.record(meter, quantity, time, data, self.position)
        return found

    # Holds

    def hold(self, entry):
        feature = entry["feature"]
        entry = {**entry, "quantity": Fraction(entry.get("quantity", 1)), "data": entry.get("data", {})}
        reason, draws = self.ruled(entry, feature), []
        meter = self.meter(feature)
        allowed, name = reason.startswith("allowed"), f"{feature}/{self.position}"
        if allowed and self.burns(meter):
            covered, draws = self.credits.hold(name, self.now, self.amount(meter, entry["quantity"]), meter,
                                               entry["expires"])
            if not covered:
                allowed, reason = False, "credit_insufficient"
        if allowed:
            self.open[name] = {**entry, "by": {kind[2] for kind in self.usage.kinds.get(meter, ())}}
        return {"allowed": allowed, "reason": reason, "draws": draws}

    def settle(self, entry):
        name, quantity = entry["hold"], Fraction(entry["quantity"])
        if name not in self.open:
            raise Refused("hold_not_open")
        hold = self.open[name]
        meter = self.meter(hold["feature"])
        data = entry.get("data", {})
        # Where limits of the meter counted by a property when it was held, what is settled is of the same value.
        for by in hold["by"]:
            if property_of(data, by) != property_of(hold["data"], by):
                raise Refused("bad_request")
        decision = {"allowed": True, "reason": "allowed", "draws": []}
        if quantity > hold["quantity"]:
            reason = self.ruled({"quantity": quantity, "data": data}, hold["feature"], name)
            decision = {"allowed": reason.startswith("allowed"), "reason": reason, "draws": []}
        if decision["allowed"] and self.burns(meter):
            covered, draws, rest = self.credits.settle(name, self.now, self.amount(meter, quantity))
            decision |= {"allowed": covered, "draws": draws, "shortfall": rest}
            if not covered:
                decision["reason"] = "credit_insufficient"
            elif rest:
                decision["reason"] = "allowed_overage"
        if decision["allowed"]:
            del self.open[name]
            decision["warnings"] = self.count(meter, quantity, self.now, data) if meter else []
        return decision

    def release(self, entry):
        if entry["hold"] not in self.open:
            raise Refused("hold_not_open")
        hold = self.open.pop(entry["hold"])
        if self.burns(self.meter(hold["feature"])):
            self.credits.release(entry["hold"], self.now)

    def extend(self, entry):
        if entry["hold"] not in self.open:
            raise Refused("hold_not_open")
        hold = self.open[entry["hold"]]
        if entry["expires"] <= hold["expires"]:
            raise Refused("bad_request")
        hold["expires"] = entry["expires"]
        if self.burns(self.meter(hold["feature"])):
            self.credits.extend(entry["hold"], self.now, entry["expires"])

    def grant(self, entry):
        self.credits.grant(self.now, self.now, amount=entry["amount"], expires=entry.get("expires"),
                           effective=entry.get("effective", self.now), priority=int(entry.get("priority", 0)))

    def reset(self, entry):
        meter = self.meter(entry["feature"])
        if not self.named:
            raise Refused("bad_request")
        last = self.usage.resets.get(meter)
        if last and self.now // MINUTE == last["at"] // MINUTE:
            raise Refused("bad_request")
        self.usage.reset(meter, self.now, self.position, entry.get("anchor", "keep") == "move")


def run(case):
    """The decisions of a history."""
    decider = Decider()
    return [decider.run(entry) for entry in case["entries"]]

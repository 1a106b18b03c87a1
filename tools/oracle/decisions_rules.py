"""The rules by which a consume, a hold, or the extra of a settlement is decided."""

from fractions import Fraction

from . import planted
from .decisions_held import Held
from .decisions_plans import fits, joined, scaled, spoken
from .decisions_usage import Usage, property_of
from .periods import SECOND

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
DENIED = {"past_due": "subscription_past_due", "unpaid": "subscription_past_due", "paused": "subscription_paused",
          "incomplete": "subscription_incomplete", "trialing": "no_active_subscription"}
ACCESS = {"trialing": "allow", "past_due": "allow", "unpaid": "deny", "paused": "deny", "incomplete": "deny"}


def duration(text):
    count, unit = text.split(" ")
    return int(count) * SECONDS[unit.removesuffix("s")] * SECOND


class Rules:
    """What is known of one account, and what follows from it."""

    def __init__(self):
        self.held = Held()
        self.usage = Usage(self.held)
        self.overrides = []
        self.credits = None
        self.burn = {}
        self.open = {}  # Holds by name.
        self.noted = {}  # By feature, window and property: the highest percentage that a warning was given for.
        self.named = False
        self.archived = []  # (effective, position, whether) by all that archived or restored the account.
        self.position = -1
        self.refused = 0

    def meter(self, feature):
        return self.held.newest()["features"].get(feature, {}).get("meter")

    def is_archived(self, time):
        return max((change for change in self.archived if change[0] <= time), default=(0, 0, False))[2]

    def overridden(self, feature, time):
        """What an override says of a feature at an instant, or None."""
        past = [o for o in self.overrides if o["feature"] == feature and o["effective"] <= time]
        if planted.is_on("override_by_arrival"):
            last = max(past, key=lambda o: o["position"], default=None)
        else:
            last = max(past, key=lambda o: (o["effective"], o["position"]), default=None)
        if last is None or last.get("remove"):
            return None
        late = planted.is_on("override_end_inclusive")
        if last.get("expires") is not None and last["expires"] + late <= time:
            return None
        return spoken(last["entitlement"])

    def refusal_of(self, state):
        """Why the state of the subscription denies everything, or None."""
        if state.status is None:
            if state.plan is not None:
                return None
            return "no_active_subscription" if self.named else "account_unknown"
        if state.status == "active":
            return None
        rule = self.held.newest().get("subscriptions", {}).get(state.status, ACCESS[state.status])
        allowed = rule == "allow"
        if rule not in ("allow", "deny"):
            allowed = self.now < state.since + duration(rule) + planted.is_on("grace_end_inclusive")
        return None if allowed else DENIED[state.status]

    def entitlement(self, feature, state, time):
        """What counts for a feature, and whether it is an override."""
        over = self.overridden(feature, time)
        if over is not None:
            return scaled(over, state.quantity), True
        found = joined(state, feature)
        if found is None and self.held.newest()["features"][feature].get("default"):
            found = {"kind": "on"}
        return found, False

    def ruled(self, entry, feature, extra_of=None):
        """The reason for a consume, a hold or the extra of a settlement, but for credits."""
        definition = self.held.newest()["features"].get(feature)
        if definition is None:
            return "feature_unknown"
        if self.is_archived(self.now) and not planted.is_on("archived_served"):
            return "account_archived"
        state = self.held.at(self.now)
        entitlement, is_override = self.entitlement(feature, state, self.now)
        if not is_override and not (state.plan is None and state.status is None and definition.get("default")):
            refusal = self.refusal_of(state)
            if refusal:
                return refusal
        if entitlement is None or entitlement["kind"] == "off":
            return "override_denied" if is_override else "not_in_plan"
        if "value" in definition and not fits(entitlement, entry.get("value"), definition["value"] == "number"):
            return "value_mismatch"
        reason = "allowed_override" if is_override else "allowed"
        if entitlement["kind"] == "limit" and definition.get("meter"):
            beyond = self.beyond(entry, feature, entitlement, state, extra_of)
            if beyond == "denied":
                return "limit_reached"
            reason = "allowed_overage" if beyond == "overage" else reason
        return "spend_cap_reached" if self.dear(entry, definition.get("meter"), state, extra_of) else reason

    def dear(self, entry, meter, state, extra_of):
        """Whether a month's usage, with what is held, would cost more than the plan's cap."""
        cap = (state.plan or {}).get("spend_cap")
        # Trials, pauses and what is incomplete are not charged; what adds nothing makes nothing dearer.
        free = state.status in ("trialing", "paused", "incomplete") or not entry["quantity"]
        if cap is None or meter is None or free:
            return False
        start, end = self.held.period(self.now)
        uses = [(use["meter"], use["quantity"]) for use in self.usage.uses if start <= use["time"] < end]
        uses += [(self.meter(hold["feature"]), hold["quantity"])
                 for name, hold in self.open.items() if name != extra_of]
        prices = {price["meter"]: Fraction(price["amount"]) for price in state.plan["prices"].values()
                  if "meter" in price}
        if meter not in prices or planted.is_on("cap_ignored"):
            return False
        cost = sum(prices.get(used, 0) * quantity for used, quantity in [*uses, (meter, entry["quantity"])])
        return cost > Fraction(cap)

    def beyond(self, entry, feature, entitlement, state, extra_of):
        """Whether a quantity is within a limit, overage, or denied."""
        meter, data = self.meter(feature), entry.get("data", {})
        by = property_of(data, entitlement["by"])
        used = self.usage.used(meter, entitlement, by, state, self.now)
        for name, hold in self.open.items():
            if name == extra_of or self.meter(hold["feature"]) != meter:
                continue
            if planted.is_on("holds_by_feature") and hold["feature"] != feature:
                continue
            if entitlement["by"] is None or property_of(hold["data"], entitlement["by"]) == by:
                used += hold["quantity"]
        after = self.usage.after(meter, used, entry["quantity"])
        # What adds nothing to the usage is not beyond anything.
        if after <= entitlement["limit"] or after == used:
            return "within"
        if entitlement["enforce"] == "hard":
            return "denied"
        most = entitlement.get("overage")
        if most is not None and after > entitlement["limit"] + Fraction(most):
            return "denied"
        return "overage"

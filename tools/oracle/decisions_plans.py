"""What a plan, its add-ons and its quantity allow together: the most generous of each."""

from fractions import Fraction

from . import planted
from .decisions_windows import hours


def spoken(entitlement):
    """An entitlement as an object: `kind` is on, off, limit, add or value."""
    if entitlement is True or (isinstance(entitlement, dict) and entitlement.get("unlimited")):
        return {"kind": "on"}
    if entitlement is False:
        return {"kind": "off"}
    if "limit" in entitlement:
        return {"reset": "month", "anchor": "calendar", "enforce": "hard", "by": None, "warn": [],
                **entitlement, "kind": "limit", "limit": Fraction(entitlement["limit"])}
    if "add" in entitlement:
        return {**entitlement, "kind": "add"}
    return {**entitlement, "kind": "value"}


def scaled(entitlement, quantity):
    """A limit, and what is allowed beyond it, for each unit of the subscription's quantity."""
    if entitlement["kind"] == "limit" and entitlement.get("per") == "quantity":
        if not planted.is_on("quantity_ignored"):
            more = {key: Fraction(entitlement[key]) * quantity for key in ("limit", "overage") if key in entitlement}
            return {**entitlement, **more}
    return entitlement


def generosity(entitlement):
    """By what the most generous is chosen: larger allows more."""
    if entitlement["kind"] == "on":
        return (2,)
    if entitlement["kind"] == "off":
        return (0,)
    soft = entitlement["enforce"] == "soft"
    if not entitlement["limit"]:
        return (0.5, soft)
    length = hours(entitlement["reset"])
    if length is None:
        return (1, 0, entitlement["limit"], soft)
    if planted.is_on("generous_by_amount"):
        return (1, 1, entitlement["limit"], soft)
    return (1, 1, entitlement["limit"] / length, soft)


def joined(state, feature):
    """What plan and add-ons say of a feature, or None if they say nothing."""
    said = []
    entitlements = (state.plan or {}).get("entitlements", {})
    if feature in entitlements:
        said.append((1, spoken(entitlements[feature])))
    for name in sorted(state.addons):
        count = state.addons[name]
        entitlements = state.catalog.get("addons", {}).get(name, {}).get("entitlements", {})
        if count and feature in entitlements:
            said.append((count, spoken(entitlements[feature])))
    if not said:
        return None
    values = [one for _, one in said if one["kind"] == "value"]
    if values:
        return union(values)
    best = None
    for _, one in said:
        one = scaled(one, state.quantity)
        if one["kind"] != "add" and (best is None or generosity(one) > generosity(best)):
            best = one
    more = sum(Fraction(one["add"]) * count for count, one in said if one["kind"] == "add")
    adds = any(one["kind"] == "add" for _, one in said)
    if adds and (best is None or best["kind"] == "off"):
        best = spoken({"limit": 0})
    if adds and best["kind"] == "limit" and not planted.is_on("add_forgotten"):
        best = {**best, "limit": best["limit"] + more}
    return best


def union(values):
    """Values allow what any of them allows."""
    numbers = [Fraction(one["value"]) for one in values if "value" in one]
    words = [word for one in values for word in one.get("values", [])]
    return {"kind": "value", "number": max(numbers, default=None), "words": set(words)}


def fits(entitlement, value, is_number):
    """Whether a value is allowed."""
    if value is None or entitlement["kind"] == "on":
        return True
    allowed = union([entitlement]) if "words" not in entitlement else entitlement
    if is_number:
        return isinstance(value, Fraction) and allowed["number"] is not None and value <= allowed["number"]
    asked = value if isinstance(value, list) else [value]
    return all(isinstance(word, str) and word in allowed["words"] for word in asked)

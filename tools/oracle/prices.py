"""What a quantity costs."""

from fractions import Fraction

from . import planted
from .metering import lookup, same

ZERO = Fraction(0)


def number(value):
    return Fraction(str(value)) if not isinstance(value, Fraction) else value


def bound(tier):
    return number(tier["up_to"]) if "up_to" in tier else None


def enters(quantity, lower):
    if planted.is_on("bound_exclusive"):
        return quantity >= lower and lower > 0 or quantity > lower
    return quantity > lower


def graduated(tiers, rate, quantity, peak, flat_at_zero):
    """Units in their tiers, and the flat amounts of the tiers that the peak entered."""
    total, flats, lower = ZERO, ZERO, ZERO
    for index, tier in enumerate(tiers):
        upper = bound(tier)
        part = quantity - lower if upper is None else min(quantity, upper) - lower
        if part > 0:
            total += part * number(tier.get(rate, 0))
        if enters(peak, lower) or (index == 0 and flat_at_zero):
            flats += number(tier.get("flat", 0))
        if upper is None:
            break
        lower = upper
    return total, flats


def tier_of(tiers, quantity):
    if planted.is_on("volume_first_tier"):
        return tiers[0]
    for tier in tiers:
        upper = bound(tier)
        if upper is None or quantity <= upper:
            return tier
    raise AssertionError("the last tier has no end")


def at_least_zero(price, quantity):
    flat_at_zero = price.get("flat_at_zero", True)
    due = flat_at_zero or quantity > 0
    if "amount" in price:
        return quantity * number(price["amount"]) / number(price.get("per", 1))
    if "package" in price:
        begun = -(-quantity // number(price["package"]["size"]))
        return begun * number(price["package"]["amount"])
    if "graduated" in price:
        total, flats = graduated(price["graduated"], "amount", quantity, quantity, flat_at_zero)
        return total + flats
    if "graduated_percentage" in price:
        tiers = price["graduated_percentage"]
        total, flats = graduated(tiers, "rate", quantity, quantity, flat_at_zero)
        return total / 100 + flats
    if "volume" in price:
        tier = tier_of(price["volume"], quantity)
        flat = number(tier.get("flat", 0)) if due else ZERO
        return quantity * number(tier.get("amount", 0)) + flat
    if "stairstep" in price:
        return number(tier_of(price["stairstep"], quantity)["amount"]) if due else ZERO
    if "dynamic" in price:
        return quantity * number(price["dynamic"].get("multiplier", 1))
    raise AssertionError(price)


def total(price, quantity):
    if quantity >= 0:
        return at_least_zero(price, quantity)
    nothing = at_least_zero(price, ZERO)
    if not price.get("negative", False):
        return nothing
    return nothing - (at_least_zero(price, -quantity) - nothing)


def percentage(price, uses):
    terms = price["percentage"]
    rate = number(terms["rate"]) / 100
    most_events = terms.get("free_events")
    left = number(terms["free_units"]) if "free_units" in terms else None
    amount, index = ZERO, 0
    for use in uses:
        value = use.value
        if value < 0:
            amount += rate * value if price.get("negative", False) else 0
            continue
        allowed = most_events is not None or left is not None
        if most_events is not None and index >= most_events:
            allowed = False
        if allowed and most_events is None and left == 0:
            allowed = False
        index += 1
        free = ZERO
        if allowed:
            free = value if left is None else min(value, left)
            if left is not None:
                left -= free
            if free == value:
                continue
        cost = rate * (value - free) + number(terms.get("fixed", 0))
        if "minimum" in terms:
            cost = max(cost, number(terms["minimum"]))
        if "maximum" in terms:
            cost = min(cost, number(terms["maximum"]))
        amount += cost
    return amount


def over_time(price, levels, end, free):
    """The integral of the price over a level."""
    levels = [(max(ZERO, max(ZERO, level) - free), weight) for level, weight in levels]
    end = max(ZERO, max(ZERO, end) - free)
    mean = sum((level * weight for level, weight in levels), ZERO)
    if "amount" in price:
        return mean * number(price["amount"]) / number(price.get("per", 1))
    flat_at_zero = price.get("flat_at_zero", True)
    if "volume" in price:
        tier = tier_of(price["volume"], end)
        flat = number(tier.get("flat", 0)) if flat_at_zero or end > 0 else ZERO
        return mean * number(tier.get("amount", 0)) + flat
    tiers = price["graduated"]
    peak = max(level for level, _ in levels)
    amount = sum((graduated(tiers, "amount", level, level, False)[0] * weight for level, weight in levels), ZERO)
    return amount + graduated(tiers, "amount", ZERO, peak, flat_at_zero)[1]


def row_of(matrix, data):
    """The key of the row that names most of what an event says; nothing if none matches."""
    best = None
    for key in sorted(matrix["rows"]):
        row = matrix["rows"][key]
        named = [path for path in matrix["by"] if path in row]
        if all(same(lookup(data, path), row[path]) for path in named):
            if best is None or len(named) > best[0]:
                best = (len(named), key)
    return best and best[1]

"""Random histories of credits: the model of `credits.py` against `daybook rate`."""
from fractions import Fraction

from .cases import Number
from .credits import Account
from .credits_cases import FEATURES, random_history, random_options
from .periods import DAY, instant

FAR = "2026-12-31T00:00:00Z"


def catalog(options):
    """One feature for each feature and unit, a meter for each, a credit of one for one."""
    names = [(feature, unit) for unit in ("credits", "tokens") for feature in FEATURES]
    credit = {"overage": options["overage"], "settle_over": options["settle_over"]}
    if options["order"] is not None:
        credit["order"] = options["order"]
    return {
        "catalog": 1, "currency": "USD", "default_plan": "p",
        "meters": {f"{f}.{u}": {"event": f"{f}.{u}", "aggregate": "sum", "value": "n"} for f, u in names},
        "features": {f"{f}.{u}": {"meter": f"{f}.{u}"} for f, u in names},
        "credits": {unit: {**credit, "burn": {f"{f}.{u}": 1 for f, u in names if u == unit}}
                    for unit in ("credits", "tokens")},
        "plans": {"p": {"entitlements": {f"{f}.{u}": True for f, u in names}}},
    }


def name(step):
    return f"{step['feature']}.{step.get('unit', 'credits')}"


def grant(step, effective):
    entry = {"kind": "grant", "amount": step["amount"], "effective": effective}
    for key, own in (("unit", "unit"), ("kind", "grant_kind"), ("priority", "priority"), ("cost", "cost"),
                     ("expires", "expires"), ("every", "every"), ("anchor", "anchor")):
        if key in step:
            entry[own] = step[key]
    entry.setdefault("unit", "credits")
    if "ends" in step:
        entry["expires"] = step["ends"]
    if "features" in step:
        entry["features"] = [f"{f}.{entry['unit']}" for f in step["features"]]
    bounds = {key: step[f"rollover_{key}"] for key in ("max", "min") if f"rollover_{key}" in step}
    if bounds:
        entry["rollover"] = bounds
    return entry


def entry(step, number, places):
    """A step as an entry of a case."""
    what = step["do"]
    if what == "grant":
        made = grant(step, step.get("effective", step["at"]))
    elif what == "recur":
        made = grant(step, step["effective"])
    elif what == "use":
        made = {"kind": "event", "source": "s", "id": step["id"], "type": name(step), "time": step["time"],
                "data": {"n": Number(step["units"])}}
    elif what == "consume":
        made = {"kind": "consume", "feature": name(step), "quantity": step["units"]}
    elif what == "hold":
        made = {"kind": "hold", "feature": name(step), "quantity": step["units"], "expires": step["expires"]}
    elif what in ("settle", "release", "extend"):
        placed = places[step["id"]]
        made = {"kind": what, "hold": f"{placed[1]}/{placed[0]}"}
        made |= {"quantity": step["units"]} if what == "settle" else {}
        made |= {"expires": step["expires"]} if what == "extend" else {}
    elif what == "void":
        made = {"kind": "void", "grant": step["ordinal"]}
    elif what == "reset":
        made = {"kind": "reset", "unit": step["unit"]}
    else:
        placed = places[step["entry"]]
        # Of a hold, what its settlement used.
        made = {"kind": "refund", "entry": places.get(("settled", step["entry"]), placed[0]), "credits": step["units"],
                "unit": placed[1].split(".")[1]}
    if "id" in step and what in ("use", "consume", "hold"):
        places[step["id"]] = (number, name(step))
    return {**made, "recorded_at": step["recorded_at"]}


def units(text):
    return Fraction(text)


def totals(shown):
    """What `credits` says, by unit."""
    found = {}
    for part in [shown, *shown.get("units", [])]:
        if part.get("unit"):
            found[part["unit"]] = {key: units(part[key]) for key in
                                   ("granted", "drawn", "held", "expired", "voided", "overage")}
    return found


def history(seed, count=40):
    """(case, what the model says of each entry, its totals)."""
    options = random_options(seed)
    account = Account(**options)
    entries = [{"kind": "publish", "catalog": catalog(options), "recorded_at": "2026-01-01T00:00:00Z"}]
    expected, places = [None], {}
    for step in random_history(seed, count):
        what = step["do"]
        if what == "correct" and (options["overage"] == "repay" or step["entry"] not in places):
            continue
        # Grants that recur are numbered when they are made by one, and when they fall due by the other.
        if what == "void" and account.recurring:
            continue
        if what in ("hold", "extend") and instant(step["expires"]) - instant(step["recorded_at"]) > 31 * DAY:
            continue
        if what in ("settle", "release", "extend") and step["id"] not in places:
            continue
        answer = account.do(step)
        if what == "settle" and answer[0]:
            places["settled", step["id"]] = len(entries)
        if what == "correct":
            back = sum(some for _, some in answer[0]) + answer[1]
            if back == 0:
                continue
            step = {**step, "units": str(float(back)) if back.denominator == 1 else decimal(back)}
        entries.append(entry(step, len(entries), places))
        expected.append((step, answer))
    last = entries[-1]["recorded_at"]
    case = {"case": f"credits {seed}", "decisions": True, "entries": entries, "invoices": [], "at": last}
    return case, expected, account.totals(last)


def decimal(amount):
    scaled = amount * 10**12
    assert scaled.denominator == 1
    digits = str(scaled.numerator).rjust(13, "0")
    return f"{digits[:-12]}.{digits[-12:]}"


def draws(decision):
    """How much each grant paid. Both number their grants, but not always in the same order."""
    return [units(some) for _, some in decision.get("draws", [])]


def paid(pairs):
    return sorted(some for _, some in pairs)


def shortfall(decision):
    return sum((units(value) for key, value in decision.items() if key.startswith("shortfall")), Fraction(0))


def said(step, decision):
    """What the program decided, in the form in which the model answers."""
    what = step["do"]
    if what in ("consume", "hold"):
        return decision.get("allowed", False), sorted(draws(decision))
    if what == "use":
        return sorted(draws(decision)), shortfall(decision)
    if what == "settle":
        allowed = decision.get("allowed", False)
        return allowed, sorted(draws(decision)), shortfall(decision)
    if what in ("extend", "release"):
        return "error" not in decision
    return None


def wanted(step, answer):
    what = step["do"]
    if what in ("consume", "hold"):
        return answer[0], paid(answer[1])
    if what == "use":
        return paid(answer[0]), answer[1]
    if what == "settle":
        return answer[0], paid(answer[1]), answer[2]
    if what == "extend":
        return answer
    if what == "release":
        return answer[0]
    return None


def differences(reply, expected, model):
    if "error" in reply:
        return [f"the program says {reply['error']}"]
    found = []
    for number, (pair, decision) in enumerate(zip(expected, reply["decisions"])):
        if pair is None:
            continue
        step, answer = pair
        ours, theirs = wanted(step, answer), said(step, decision)
        if ours != theirs:
            found.append(f"entry {number} {step}: the model says {ours}, the program {decision}")
            return found
        if "error" in decision and step["do"] in ("grant", "recur", "use", "consume", "hold", "reset", "correct"):
            return [f"entry {number} {step}: the program says {decision['error']}"]
    shown = totals(reply["credits"])
    for unit, ours in model.items():
        theirs = shown.get(unit)
        mine = {"drawn": ours["used"] - ours["held"], "held": ours["held"],
                "gone": ours["expired"] + ours["voided"], "overage": ours["shortfall"]}
        if theirs is None:
            if any(mine.values()):
                found.append(f"{unit}: the program knows nothing of it")
            continue
        got = {"drawn": theirs["drawn"], "held": theirs["held"], "gone": theirs["expired"] + theirs["voided"],
               "overage": theirs["overage"]}
        if mine != got:
            found.append(f"{unit}: the model has {mine}, the program {got}")
    return found

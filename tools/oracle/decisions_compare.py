"""Random histories of decisions: the model of `decisions.py` against `daybook rate`."""

import copy
import os
import random
import re
import tempfile
from fractions import Fraction

from . import compare, decisions
from .decisions_cases import Maker

# Differences that are known: what histories leave out until they are mended.
AVOID = ("moved_zones", "reset_of_future")


def history(seed, avoid=AVOID):
    return Maker(random.Random(f"decisions/{seed}"), avoid).case(f"decisions {seed}")


def model(text):
    return decisions.run(compare.parse(text))


def model_of(case):
    """What the model says of a parsed case, as it is compared."""
    return [ours(decision) for decision in decisions.run(case)]


def amounts(pairs):
    """How much each grant paid. Both number their grants, but not always in the same order."""
    return sorted(some for some in (Fraction(some) for _, some in pairs) if some)


def program(decision):
    """What the program says of an entry, as the model says it."""
    if "error" in decision:
        return {"error": decision["error"]}
    short = sum((Fraction(value) for key, value in decision.items() if key.startswith("shortfall")), Fraction(0))
    return {"allowed": decision.get("allowed"), "reason": decision.get("reason"),
            "draws": amounts((draw["grant"], draw["credits"]) if isinstance(draw, dict) else draw
                             for draw in decision.get("draws", [])),
            "shortfall": short, "warnings": sorted(decision.get("warnings", []))}


def ours(decision):
    if "error" in decision:
        return {"error": decision["error"]}
    return {"allowed": decision.get("allowed"), "reason": decision.get("reason"),
            "draws": amounts(decision.get("draws", [])), "shortfall": decision.get("shortfall", Fraction(0)),
            "warnings": sorted(decision.get("warnings", []))}


def shown(decision):
    return {key: [str(item) for item in value] if key == "draws" else value if key != "shortfall" else str(value)
            for key, value in decision.items() if value or key == "allowed"}


def differences(text, reply):
    """The first entry on which both do not agree."""
    if "error" in reply:
        return [f"the program says {reply['error']}"]
    entries = compare.parse(text)["entries"]
    for number, (mine, theirs) in enumerate(zip(model(text), reply["decisions"], strict=True)):
        if ours(mine) != program(theirs):
            entry = {key: value for key, value in entries[number].items() if key != "catalog"}
            return [f"entry {number}: {entry}", f"the model: {shown(ours(mine))}", f"the program: {theirs}"]
    return []


# Cutting down

def report(case, program, found):
    """Prints a difference, and the smallest history that still shows one like it."""
    for line in found:
        print("  " + line)

    def fails(smaller):
        text = compare.line(smaller)
        try:
            again = differences(text, program.answer(text))
        except Exception:
            return False
        return len(again) == len(found) and [kind_of(line) for line in again[1:]] == [kind_of(l) for l in found[1:]]

    small = smallest(case, fails) if len(found) > 1 else case
    text = compare.line(small)
    for line in differences(text, program.answer(text)):
        print("  " + line)
    folder = tempfile.mkdtemp(prefix="daybook-oracle-")
    with open(os.path.join(folder, "case.json"), "w") as file:
        file.write(text + "\n")
    print(f"kept in {folder}/case.json")


def kind_of(line):
    """Reason or refusal, and whether there are warnings, so that a difference does not become another one."""
    return re.findall(r"'(?:reason|error)': '(\w+)'", line), "warnings" in line


def filler(number, entry):
    """An entry that says nothing, so that the others keep their positions."""
    return {"kind": "event", "recorded_at": entry["recorded_at"], "source": "filler", "id": f"f{number}",
            "type": "filler", "data": {}}


def smallest(case, fails):
    """Everything left out that can be, while the case still fails."""
    case = copy.deepcopy(case)
    for number in reversed(range(len(case["entries"]))):
        shorter = {**case, "entries": case["entries"][:number]}
        if number and fails(shorter):
            case = shorter
        else:
            break
    for number in reversed(range(1, len(case["entries"]))):
        entries = list(case["entries"])
        entries[number] = filler(number, entries[number])
        if fails({**case, "entries": entries}):
            case = {**case, "entries": entries}
        shorter = {**case, "entries": case["entries"][:number] + case["entries"][number + 1:]}
        if fails(shorter):
            case = shorter
    return without(case, fails)


NEEDED = {"case", "decisions", "entries", "invoices", "at", "kind", "recorded_at", "catalog", "currency", "timezones",
          "source", "id", "type", "meters", "features", "plans", "plan", "event", "aggregate", "value", "started",
          "status", "subscription", "feature", "quantity", "hold", "limit", "add", "expires"}


def without(case, fails):
    """Members that can be left out, while the case still fails."""
    for path in list(members(case["entries"])):
        smaller = copy.deepcopy(case)
        holder = smaller["entries"]
        try:
            for step in path[:-1]:
                holder = holder[step]
            del holder[path[-1]]
        except (KeyError, IndexError):
            continue
        if fails(smaller):
            case = smaller
    return case


def members(value, path=()):
    """Paths to the members of objects that no entry needs, the largest first."""
    if isinstance(value, dict):
        for key in value:
            if key not in NEEDED:
                yield (*path, key)
        for key in value:
            if key != "timezones":
                yield from members(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from members(item, (*path, index))

"""Runs cases through both programs, and cuts a difference down to its core."""

import copy
import json
import re
import subprocess
from fractions import Fraction

from . import invoice
from .cases import Number


def dump(case):
    """One line of JSON; numbers keep their digits."""
    text = json.dumps(case, default=str)
    return text


def encode(value):
    if isinstance(value, Number):
        return "\u0000" + str(value) + "\u0000"
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [encode(item) for item in value]
    return value


def line(case):
    return re.sub(r'"\\u0000(.*?)\\u0000"', r"\1", json.dumps(encode(case)))


def parse(text):
    return json.loads(text, parse_int=Fraction, parse_float=Fraction)


class Program:
    """`daybook rate -`, one case at a time."""

    def __init__(self, path):
        self.process = subprocess.Popen([path, "rate", "-"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)

    def answer(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        reply = self.process.stdout.readline()
        if not reply:
            raise SystemExit("oracle: the program ended")
        return json.loads(reply)

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=20)


class Model:
    """The same model again, to try the comparison out on planted mistakes."""

    def answer(self, text):
        return oracle(text)

    def close(self):
        pass


def oracle(text):
    case = parse(text)
    try:
        return invoice.run(case)
    except KeyError as problem:
        return {"case": case["case"], "error": str(problem)}


def differences(ours, theirs):
    """What two answers do not have in common, for people."""
    if ("error" in ours) != ("error" in theirs):
        return [f"error: oracle {ours.get('error')}, program {theirs.get('error')}"]
    if "error" in ours:
        return []
    found = []
    for mine, other in zip(ours["invoices"], theirs["invoices"]):
        name = mine["name"]
        if name != other["name"]:
            found.append(f"name: {name} and {other['name']}")
        if "start" in mine:
            for edge in ("start", "end"):
                if mine[edge] != other["period"][edge]:
                    found.append(f"{name} {edge}: {mine[edge]} and {other['period'][edge]}")
        # A line of nothing may or may not be there.
        left = {l["id"]: (l["amount"], l.get("quantity")) for l in mine["lines"]}
        right = {l["id"]: (l["amount"], l.get("quantity")) for l in other["lines"]}
        for id in sorted(set(left) | set(right)):
            if left.get(id) != right.get(id):
                found.append(f"{name} {id}: {left.get(id)} and {right.get(id)}")
        for member in ("currency", "total", "tax", "subtotal"):
            if member in mine and mine[member] != other[member]:
                found.append(f"{name} {member}: {mine[member]} and {other[member]}")
    return found


def shrink(case, fails):
    """Removes whatever can be removed while the case still fails."""
    shrunk = True
    while shrunk:
        shrunk = False
        for path in removable(case):
            smaller = copy.deepcopy(case)
            holder = smaller
            for step in path[:-1]:
                holder = holder[step]
            del holder[path[-1]]
            if fails(smaller):
                case, shrunk = smaller, True
                break
    return case


def removable(value, path=()):
    """Paths of what could be left out, the largest first."""
    keys = list(value) if isinstance(value, dict) else range(len(value) - 1, -1, -1)
    for key in keys:
        if path == () and key in ("case", "entries", "invoices", "at"):
            continue
        if key in ("kind", "recorded_at", "source", "id", "type", "catalog", "currency", "timezones"):
            continue
        yield path + (key,)
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        if key != "timezones" and isinstance(value[key], (dict, list)):
            yield from removable(value[key], path + (key,))

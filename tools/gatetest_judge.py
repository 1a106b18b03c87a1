"""The judge of the gate test: decides every entry again, and holds the answers to the log.

`Book` applies entries to the model's accounts: the facts of an entry first, then the bounds, then whether
the decision and its draws are those that the rules give. `Journal` finds what clients were answered. Neither
keeps lines: of an entry there stay its accounts' balances, and of one that is refunded its draws.
"""
import array
import collections
import mmap
import zlib

from gatetest_model import NEVER, Account, Failure, Grant, Hold, check, instant, shown, units

DECIDED = ("consume", "hold", "settle")
FACTS = ("position", "allowed", "reason", "hold", "credits", "shortfall")
NUMBERS = ("limit", "used", "remaining", "expires")


def content(kind, account, data, effective=None):
    """What must come back from the log for a request, as one number."""
    return zlib.crc32("|".join([kind, account, effective or "", *[str(data[name]) for name in sorted(data)]]).encode())


def condensed(reply, names):
    return "|".join([str(reply.get(name, "")) for name in names])


class Journal:
    """What clients were answered, by connection and number.

    A line is `CONNECTION NUMBER CONTENT STATUS FACTS NUMBERS REFUNDED`. They are kept in a file that is
    looked into, so that each of a million answers takes eight bytes of memory.
    """

    def __init__(self, lines, connections):
        self.lines = lines
        self.places = [array.array("q") for _ in range(connections)]
        self.refunded = set()
        place = 0
        while (end := lines.find(b"\n", place)) >= 0:
            fields = lines[place:end].split(b" ")
            connection, number = int(fields[0]), int(fields[1])
            self.refunded.add(int(fields[6]))
            places = self.places[connection]
            places.extend([-1] * (number + 1 - len(places)))
            check(places[number] < 0, lambda: f"two first answers to {connection}/{number}")
            places[number] = place
            place = end + 1
        check(all(-1 not in places for places in self.places), "a request has no answer")

    @classmethod
    def open(cls, path, connections):
        with open(path, "rb") as file:
            return cls(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), connections)

    def take(self, source, identity):
        """The answer to a request, once: the fields behind its number."""
        try:
            places, number = self.places[int(source[1:])], int(identity)
            place = places[number]
        except (ValueError, IndexError):
            raise Failure(f"nobody sent {source}/{identity}") from None
        check(place >= 0, lambda: f"{source}/{identity} stands in the log twice")
        places[number] = -1
        return self.lines[place:self.lines.find(b"\n", place)].decode().split(" ")[2:]

    def rest(self):
        """Acknowledged requests that no entry was found for."""
        return [f"c{connection}/{number}" for connection, places in enumerate(self.places)
                for number, place in enumerate(places) if place >= 0 and b" refused " not in
                self.lines[place:self.lines.find(b"\n", place)]]


class Book:
    """All accounts, as the entries up to a position make them."""

    def __init__(self, rules, refunded=None):
        self.rules, self.wanted = rules, refunded
        self.accounts, self.paid = {}, {}
        self.count, self.time = 0, 0
        self.seen = collections.Counter()

    def apply(self, entry):
        """Takes an entry in. Answers the numbers that a reply to it must have, where the rules say them."""
        try:
            return self._apply(entry)
        except Failure as failure:
            raise Failure(f"position {entry['position']}: {failure}: {entry}") from None

    def _apply(self, entry):
        position, event, kind, outcome = entry["position"], entry["event"], entry["kind"], entry["outcome"]
        check(position == self.count, lambda: f"it follows {self.count - 1}: an entry is missing or comes twice")
        now = instant(entry["recorded_at"])
        check(now >= self.time, "time goes back")
        self.count, self.time = position + 1, now
        self.seen[kind] += 1
        if kind == "publish":
            return None
        name, data = event["subject"], event["data"]
        if name not in self.accounts:
            self.accounts[name] = Account(self.rules)
        account = self.accounts[name]
        account.advance(now)
        month = entry["recorded_at"][:7]
        check(kind in ("grant", "release", "refund", *DECIDED), f"a {kind}, which nobody sent")
        numbers = getattr(self, kind)(account, data, outcome, month, position, event)
        account.audit(month)
        if kind in DECIDED:
            self.seen[f"{kind} {outcome['reason']}"] += 1
            self.agree(outcome, numbers)
        return numbers

    def agree(self, outcome, ruled):
        """The decision that was made is the one that the rules give, and so is who paid."""
        reason = ruled["reason"]
        check(outcome["reason"] == reason and outcome["allowed"] is reason.startswith("allowed"),
              lambda: f"decided {outcome['reason']}, the rules say {reason}: {ruled}")
        check(ruled["given"] == ruled["draws"], lambda: f"the burn order lets {ruled['draws']} pay")

    # Kinds of entries

    def grant(self, account, data, outcome, month, position, event):
        effective = instant(event["time"]) if "time" in event else self.time
        expires = instant(data["expires"]) if "expires" in data else NEVER
        account.add(Grant(len(account.grants), data["unit"], units(data["amount"]), effective, expires,
                          int(data.get("priority", 0))))

    def consume(self, account, data, outcome, month, position, event):
        feature, quantity = data["feature"], units(data["quantity"])
        meter = self.rules.meter[feature]
        ruled = self.rule(account, feature, quantity, month, self.rules.cost(meter, quantity))
        draws, short = paid(outcome)
        if outcome["allowed"]:
            self.use(account, meter, month, quantity)
            self.pay(account, meter, draws, short, self.rules.cost(meter, quantity))
            self.remember(position, draws, short)
        ruled["given"] = (draws, short)
        return ruled

    def hold(self, account, data, outcome, month, position, event):
        feature, quantity = data["feature"], units(data["quantity"])
        meter = self.rules.meter[feature]
        ruled = self.rule(account, feature, quantity, month, self.rules.cost(meter, quantity))
        if ruled["draws"][1]:
            # What it reserves must be there. The numbers of such a denial are not compared.
            ruled = {"reason": "credit_insufficient", "draws": ([], 0)}
        draws, short = paid(outcome)
        ruled["given"] = (draws, short)
        if outcome["allowed"]:
            ends = self.time + int(data["seconds"]) * 10**9
            self.pay(account, meter, draws, short, self.rules.cost(meter, quantity), drawn=False)
            check(short == 0, "a hold goes beyond the balance")
            account.reserve(Hold(position, feature, quantity, draws, ends))
        return ruled

    def settle(self, account, data, outcome, month, position, event):
        hold, quantity = self.open_hold(account, data), units(data["quantity"])
        meter = self.rules.meter[hold.feature]
        cost, held = self.rules.cost(meter, quantity), sum(value for _, value in hold.draws)
        kept, extra = first(hold.draws, min(cost, held)), max(quantity - hold.quantity, 0)
        if extra or cost > held:
            ruled = self.rule(account, hold.feature, extra, month, max(cost - held, 0))
            ruled = {"reason": ruled["reason"], "draws": ruled["draws"]}
            if ruled["reason"].startswith("allowed"):
                ruled["draws"] = (kept + ruled["draws"][0], ruled["draws"][1])
        else:
            ruled = {"reason": "allowed", "draws": (kept, 0)}
        draws, short = paid(outcome)
        ruled["given"] = (draws, short)
        if outcome["allowed"]:
            check(draws[:len(kept)] == kept, lambda: f"of what was held, {kept} pay first")
            account.end(hold, min(cost, held))
            self.use(account, meter, month, quantity)
            self.pay(account, meter, draws[len(kept):], short, max(cost - held, 0))
            self.remember(position, draws, short)
        return ruled

    def release(self, account, data, outcome, month, position, event):
        account.end(self.open_hold(account, data), 0)

    def refund(self, account, data, outcome, month, position, event):
        entry, unit = int(data["entry"]), data["unit"]
        check(entry in self.paid, f"position {entry} used no credits")
        draws, short = self.paid[entry]
        draws = [draw for draw in draws if account.grants[draw[0]].unit == unit]
        before = account.refunded.get((entry, unit), 0)
        left = short + sum(value for _, value in draws) - before
        value = units(data["credits"]) if "credits" in data else left
        check(0 < value <= left, lambda: f"{shown(value)} go back of {shown(left)} that the entry still has")
        # Overage first, then the draws in reverse; what went back before is passed over.
        parts = slices([(None, short), *reversed(draws)], before, value)
        forgiven = sum(part for ordinal, part in parts if ordinal is None)
        back = [(ordinal, part) for ordinal, part in parts if ordinal is not None]
        given = ([(ordinal, -part) for ordinal, part in back], -forgiven)
        check(paid(outcome) == given, lambda: f"{given} must go back")
        for ordinal, part in back:
            account.drawn[unit] -= part
            account.give(ordinal, part)
        owed = min(account.short[unit], forgiven)
        account.short[unit] -= owed
        account.unwind(unit, forgiven - owed)
        account.refunded[entry, unit] = before + value
        account.repay(unit)

    # What they have in common

    def rule(self, account, feature, quantity, month, cost):
        """What the rules decide, before the entry counts. A hold that is being settled is still open."""
        meter = self.rules.meter[feature]
        unit, limit = self.rules.unit.get(meter), self.rules.limit.get(feature)
        used = account.used.get((meter, month), 0) + account.held[meter]
        after, reason, ruled = used + quantity, "allowed", {"draws": ([], 0)}
        if limit:
            ruled["limit"] = limit[0]
            if after > limit[0] and quantity:
                if limit[1]:
                    return {**ruled, "reason": "limit_reached", "used": used, "remaining": max(limit[0] - used, 0)}
                reason = "allowed_overage"
        if unit:
            room = max(self.rules.overdraft[unit] - account.short[unit], 0)
            balance = account.balance(unit) + room
            if cost > balance:
                return {**ruled, "reason": "credit_insufficient", "used": used, "remaining": balance}
            ruled["draws"] = account.payers(unit, cost)
            ruled["remaining"] = balance - cost
        if limit:
            ruled["remaining"] = max(limit[0] - after, 0)
        return {**ruled, "reason": reason, "used": after}

    def use(self, account, meter, month, quantity):
        account.used[meter, month] = account.used.get((meter, month), 0) + quantity

    def pay(self, account, meter, draws, short, cost, drawn=True):
        """Applies what the outcome says was paid, which must be what it costs, and no more than there is."""
        unit = self.rules.unit.get(meter)
        total = sum(value for _, value in draws) + short
        check(total == cost, lambda: f"it costs {shown(cost)}, and {shown(total)} were paid")
        if unit:
            account.draw(draws, unit)
            account.drawn[unit] += total - short if drawn else 0
            account.short[unit] += short

    def remember(self, position, draws, short):
        if (draws or short) and (self.wanted is None or position in self.wanted):
            self.paid[position] = (draws, short)

    def open_hold(self, account, data):
        hold = account.holds.get(int(data["hold"].rpartition("/")[2]))
        check(hold and data["hold"] == f"{hold.feature}/{hold.position}", lambda: f"{data['hold']} is not open")
        return hold


def paid(outcome):
    """Draws and shortfall of an outcome."""
    draws = [(draw["grant"], units(draw["credits"])) for draw in outcome.get("draws", ())]
    short = sum(units(one["credits"]) for one in outcome.get("shortfalls", ()))
    return draws, short + units(outcome.get("shortfall", "0"))


def first(draws, value):
    """So much of the draws, from the first on."""
    return slices(draws, 0, value)


def slices(pieces, skipped, value):
    """The pieces of a list of (key, size) that lie between two sums."""
    found = []
    for key, size in pieces:
        gone = min(skipped, size)
        part = min(size - gone, value)
        skipped, value = skipped - gone, value - part
        if part:
            found.append((key, part))
    return found


def judge(entry, book, journal):
    """One entry of the log: by the rules, and by what its client was answered."""
    ruled = book.apply(entry)
    event, kind, outcome = entry["event"], entry["kind"], entry["outcome"]
    if kind == "publish":
        return
    name = f"position {entry['position']}, {event['source']}/{event['id']}"
    sent, status, facts, numbers, _ = journal.take(event["source"], event["id"])
    check(int(sent) == content(kind, event["subject"], event["data"], event.get("time")),
          lambda: f"{name} is not what was sent: {entry}")
    check(status != "refused", lambda: f"{name} was refused, and is in the log")
    if status == "stream":
        check(outcome.get("allowed", True), lambda: f"{name} was acknowledged as allowed, and the log has it denied")
        return
    draws, short = paid(outcome)
    drawn = sum(value for _, value in draws)
    holds = kind == "hold" and outcome["allowed"]
    answer = {"position": entry["position"],
              "hold": f"{event['data']['feature']}/{entry['position']}" if holds else "",
              "credits": shown(drawn) if drawn else "",
              "shortfall": shown(short) if short and kind == "refund" else "",
              **{key: outcome[key] for key in ("allowed", "reason") if key in outcome}}
    expected = condensed(answer, FACTS)
    check(facts == expected, lambda: f"{name} was answered {facts}, the log has {expected}")
    if numbers != "|||" and kind in ("consume", "hold") and "used" in ruled:
        for key, text in zip(NUMBERS, numbers.split("|")):
            if key in ("limit", "used", "remaining"):
                expected = shown(ruled[key]) if key in ruled else ""
                check(text == expected, lambda: f"{name} was answered {key} {text}, the model has {expected}")
            elif holds:
                ends = book.time + int(event["data"]["seconds"]) * 10**9
                check(instant(text) == ends, lambda: f"{name} was answered that it ends at {text}")


def compare(book, name, usage, credits):
    """What the server says of an account in the end, against the model at the instant of its answer."""
    account = book.accounts[name]
    account.advance(instant(credits["at"]))
    month = usage["period"]["start"][:7]
    said = {meter["meter"]: units(meter["quantity"]) for meter in usage["meters"]}
    for meter in set(book.rules.meter.values()):
        known = account.used.get((meter, month), 0)
        check(said.get(meter, 0) == known, lambda: f"usage of {name}: {usage}, the model has {shown(known)} {meter}")
    parts = {credits["unit"]: credits, **{part["unit"]: part for part in credits.get("units", ())}}
    for unit in account.live:
        known = {"granted": account.granted[unit], "drawn": account.drawn[unit], "held": account.reserved[unit],
                 "expired": account.expired[unit], "overage": account.short[unit], "voided": 0,
                 "balance": account.balance(unit)}
        part = parts.get(unit, {})
        for key, value in known.items():
            check(units(part.get(key, "0")) == value,
                  lambda: f"credits of {name}: {part}, the model has {shown(value)} {unit} {key}")
    # Each grant, and each hold.
    said = [(units(grant["remaining"]), units(grant.get("held", "0"))) for grant in credits["grants"]]
    check(said == [(grant.remaining, grant.held) for grant in account.grants],
          lambda: f"the grants of {name} are {credits['grants']}")
    open_holds = [f"{hold.feature}/{hold.position}" for hold in account.holds.values()]
    check([hold["hold"] for hold in credits["holds"]] == open_holds,
          lambda: f"the holds of {name} are {credits['holds']}, the model has {open_holds}")

"""The invoices of an account, from its entries."""

from fractions import Fraction

from . import planted, prices
from .contract import Contract, name_of
from .metering import Metered, half_away, read
from .periods import BEGINNING, share, text

EXPONENTS = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}
STEPS = ["minimum", "maximum", "discounts", "tax"]
number = prices.number


class Line:
    def __init__(self, id, exact, currency, quantity=None, is_tax=False):
        self.id, self.exact, self.quantity, self.is_tax = id, exact, quantity, is_tax
        self.currency = currency
        self.amount = half_away(exact * 10 ** EXPONENTS[currency])


def money(minor, currency):
    return Fraction(minor, 10 ** EXPONENTS[currency])


class Bill:
    """One invoice while it is made."""

    def __init__(self, history, contract, found, until, at):
        self.history, self.contract, self.until = history, contract, until
        self.recurrence, self.period, self.whole = found
        zone = self.recurrence.zone
        self.zone = zone
        self.is_over = self.period[1] <= at or planted.is_on("true_up_while_open")
        fixed = self.recurrence.key() is None
        self.spans = contract.spans(self.period, None if fixed else self.recurrence)
        self.currency = self.spans[-1][0]["currency"] if self.spans else None
        self.lines, self.taxes = [], []

    def name(self):
        return name_of((self.recurrence, self.period, self.whole))

    def make(self, foreign):
        if self.currency is None:
            self.currency = foreign[0].currency if foreign else None
            if self.currency is None:
                return self
        for index, (plan, start, end) in enumerate(self.spans):
            if plan["currency"] == self.currency:
                self.span(index, plan, (start, end))
        self.advance()
        self.lines += [line for line in foreign if line.currency == self.currency]
        for index, (_, rate, base) in enumerate(self.taxes):
            exact = money(base, self.currency) * rate / 100
            name = "tax" if index == 0 else f"tax.{index + 1}"
            self.lines.append(Line(name, exact, self.currency, is_tax=True))
        return self

    def add_tax(self, plan, base):
        tax = plan.get("tax")
        if tax is None:
            return
        key = (tax.get("name", "Tax"), number(tax["rate"]))
        for entry in self.taxes:
            if (entry[0], entry[1]) == key:
                entry[2] += base
                return
        self.taxes.append([key[0], key[1], base])

    # One plan over one span

    def span(self, index, plan, span):
        part = share(span, self.whole, "second", self.zone)
        self.suffix = "" if index == 0 else f"@{index + 1}"
        begin, exempt = len(self.lines), 0
        running = lambda: sum(line.amount for line in self.lines[begin:])
        for key in sorted(plan.get("prices", {})):
            price = plan["prices"][key]
            first = len(self.lines)
            self.price(key, price, span, part)
            mine = lambda: sum(line.amount for line in self.lines[first:])
            self.discounts(price.get("discounts", []), key + "/discount", part, mine)
            if price.get("tax_exempt", False):
                exempt += mine()
        taxable = None
        order = list(plan.get("order", []))
        order += [step for step in STEPS if step not in order]
        if planted.is_on("tax_before_discount"):
            order = [s for s in order if s != "discounts"] + ["discounts"]
        for step in order:
            if step == "minimum" and "minimum" in plan and self.is_over:
                missing = number(plan["minimum"]) * part - money(running(), self.currency)
                if missing > 0:
                    self.add("minimum", missing)
            if step == "maximum" and "maximum" in plan:
                excess = number(plan["maximum"]) * part - money(running(), self.currency)
                if excess < 0:
                    self.add("maximum", excess)
            if step == "discounts":
                self.discounts(plan.get("discounts", []), "discount", part, running)
            if step == "tax":
                taxable = running() - exempt
        self.add_tax(plan, taxable)

    def add(self, id, exact, quantity=None):
        self.lines.append(Line(id + self.suffix, exact, self.currency, quantity))

    def discounts(self, discounts, id, part, running):
        whole = running()
        for index, discount in enumerate(discounts):
            left = money(whole if planted.is_on("discount_of_whole") else running(), self.currency)
            if "percent" in discount:
                off = left * number(discount["percent"]) / 100
            else:
                off = max(Fraction(0), min(number(discount["amount"]) * part, left))
            if off:
                self.add(f"{id}.{index + 1}", -off)

    # One price

    def price(self, key, price, span, part):
        if "fee" in price:
            return self.fee(key, price, span)
        meter = self.history.meters.get(price["meter"])
        metered = Metered(meter, self.history.uses(price["meter"], self.until), self.zone)
        base = Fraction(0)
        for id, quantity, amount in self.parts(key, price, metered, span, part):
            self.add(id, amount, quantity)
            base += amount
        if "commitment" in price:
            self.commitment(key, price, base, part)
        if "minimum" in price and self.is_over:
            missing = number(price["minimum"]) * part - base
            if missing > 0:
                self.add(key + "/minimum", missing)
        if "maximum" in price:
            excess = number(price["maximum"]) * part - base
            if excess < 0:
                self.add(key + "/maximum", excess)

    def parts(self, key, price, metered, span, part):
        """(id, quantity, exact amount) of the base lines."""
        free = number(price.get("free", 0))
        free *= 1 if planted.is_on("free_not_shared") else part
        if "matrix" in price:
            return self.rows(key, price, metered, span)
        quantity = metered.quantity(span, self.whole)
        if "percentage" in price:
            return [(key, quantity, prices.percentage(price, metered.within(*span)))]
        how = price.get("prorate", "none")
        if how != "none":
            levels, end = metered.levels(span, self.whole, how)
            mean = sum((max(Fraction(0), level) * weight for level, weight in levels), Fraction(0))
            return [(key, mean, prices.over_time(price, levels, end, free))]
        if planted.is_on("max_over_period") and metered.meter["aggregate"] == "max":
            quantity = metered.quantity(self.whole, self.whole)
        paid = max(Fraction(0), quantity - free) if quantity > 0 else quantity
        return [(key, quantity, prices.total(price, paid))]

    def rows(self, key, price, metered, span):
        from .metering import convert
        matrix, found = price["matrix"], {}
        for use in metered.within(*span):
            row = prices.row_of(matrix, use.data)
            found[row] = found.get(row, Fraction(0)) + use.value
        parts = []
        for row in sorted(matrix["rows"]):
            if row in found:
                quantity = convert(metered.meter, found[row])
                terms = matrix["rows"][row]
                unit = {"amount": terms["amount"], "per": terms.get("per", 1),
                        "negative": price.get("negative", False)}
                parts.append((f"{key}.{row}", quantity, prices.total(unit, quantity)))
        if None in found and "other" in matrix:
            quantity = convert(metered.meter, found[None])
            unit = {"amount": matrix["other"], "negative": price.get("negative", False)}
            parts.append((key + ".other", quantity, prices.total(unit, quantity)))
        return parts

    def commitment(self, key, price, base, part):
        terms = price["commitment"]
        if "amount" in terms:
            promised = number(terms["amount"]) * part
        else:
            promised = prices.total(price, number(terms["quantity"]) * part)
        overage = number(terms.get("overage", 1))
        if base > promised and overage != 1:
            beyond = base if planted.is_on("overage_at_once") else base - promised
            self.add(key + "/commitment", beyond * (overage - 1))
        elif base < promised and terms.get("true_up", True) and self.is_over:
            self.add(key + "/commitment", promised - base)

    # Fees

    def fee(self, key, price, span):
        fee, how = number(price["fee"]), price.get("prorate", "second")
        if price.get("charged", "arrears") == "arrears":
            self.add(key, fee * share(span, self.whole, how, self.zone), Fraction(1))
            return
        before = None
        if span[0] == self.period[0] and span[0] != BEGINNING:
            before = self.contract.at(span[0] - 1).plan
        if before is None or before["currency"] != self.currency:
            rest = (span[0], self.whole[1])
            self.add(key, fee * share(rest, self.whole, how, self.zone), Fraction(1))
        if span[1] < self.whole[1] and how != "none":
            rest = (span[1], self.whole[1])
            self.add(key + "/unused", -fee * share(rest, self.whole, how, self.zone), Fraction(1))

    def advance(self):
        if not self.spans or self.spans[-1][2] != self.period[1]:
            return
        stretch = self.contract.at(self.period[1])
        plan = stretch.plan
        if plan is None or plan["currency"] != self.currency:
            return
        whole = stretch.recurrence.containing(self.period[1])
        part = (self.period[1], whole[1])
        for key in sorted(plan.get("prices", {})):
            price = plan["prices"][key]
            if "fee" not in price or price.get("charged") != "advance":
                continue
            how = price.get("prorate", "second")
            exact = number(price["fee"]) * share(part, whole, how, stretch.zone)
            line = Line(key + "/advance", exact, self.currency, Fraction(1))
            self.lines.append(line)
            if not price.get("tax_exempt", False):
                self.add_tax(plan, line.amount)


class History:
    """All entries of one account."""

    def __init__(self, case):
        from .periods import instant
        self.entries, self.finalised, self.carried = [], [], None
        self.meters = {}
        versions = -1
        for entry in case["entries"]:
            entry = dict(entry)
            entry["at"] = instant(entry["recorded_at"])
            if entry["kind"] == "publish":
                versions += 1
                entry["existing"] = entry.get("existing") or ("at_once" if "existing_from" in entry else None)
                entry["existing_from"] = instant(entry["existing_from"]) if "existing_from" in entry else entry["at"]
                self.meters.update(entry["catalog"].get("meters", {}))
                self.late = entry["catalog"].get("events", {}).get("late", "next_invoice")
            elif entry["kind"] in ("subscribe", "cancel"):
                entry["effective"] = instant(entry["effective"]) if "effective" in entry else entry["at"]
                entry["version"] = versions
                if entry.get("anchor") is not None:
                    entry["anchor"] = instant(entry["anchor"])
            elif entry["kind"] == "event":
                entry["at"] = instant(entry["time"]) if "time" in entry else entry["at"]
                entry.setdefault("data", {})
            self.entries.append(entry)

    def uses(self, meter, until):
        found = []
        for position, entry in enumerate(self.entries[:until]):
            if entry["kind"] == "event":
                use = read(self.meters[meter], position, entry)
                if use is not None:
                    found.append(use)
        return found


def run(case):
    """The answer of a case, in the form of `daybook rate`."""
    from .periods import instant
    whole = History(case)
    state = {"finalised": [], "carried": None}
    for position, entry in enumerate(whole.entries):
        if entry["kind"] == "finalise":
            finalise(case, whole, position, entry, state)
    at = instant(case["at"])
    invoices = [answer(*invoice(whole, name, at, len(whole.entries), state)) for name in case["invoices"]]
    return {"case": case["case"], "invoices": invoices}


def as_of(case, until):
    return History({**case, "entries": case["entries"][:until]})


def finalise(case, whole, position, entry, state):
    then = as_of(case, position)
    bill, final = invoice(then, entry["period"], entry["at"], position, state)
    if final is not None or bill.currency is None:
        return
    total = sum(line.amount for line in bill.lines)
    name = bill.name()
    state["finalised"].append((name, bill, position))
    state["carried"] = (total, bill.currency) if total < 0 else None


def invoice(history, name, at, until, state):
    """The bill of a period, and the bill that was finalised of it."""
    contract = Contract(history.entries, until)
    for finalised, bill, _ in state["finalised"]:
        if finalised == name:
            return bill, bill
    found = contract.named(name)
    if found is None:
        raise KeyError(name)
    for finalised, bill, _ in state["finalised"]:
        if finalised == name_of(found):
            return bill, bill
    bill = Bill(history, contract, found, until, at)
    through = state["finalised"][-1][2] if state["finalised"] else 0
    foreign = []
    late = history.entries[through:until] if state["finalised"] else []
    times = [entry["at"] for entry in late if entry["kind"] == "event"]
    times += [entry["effective"] for entry in late if entry["kind"] in ("subscribe", "cancel")]
    for period_name, old, _ in sorted(state["finalised"], key=lambda entry: entry[1].period[0]):
        if times and min(times) < old.period[1]:
            foreign += corrections(history, contract, old, period_name, through, until, at)
    if history.late == "ignore":
        foreign = []
    if state["carried"] is not None:
        total, currency = state["carried"]
        foreign.append(Line("carried", money(total, currency), currency))
    return bill.make(foreign), None


def corrections(history, contract, old, name, through, until, at):
    before_contract = Contract(history.entries, through)
    amounts = []
    for one, end in ((before_contract, through), (contract, until)):
        recurrence, period, whole = one.period_at(old.period[0])
        if period != old.period:
            stretch = one.at(old.period[0])
            recurrence = _Fixed(stretch.zone)
            period = whole = old.period
        bill = Bill(history, one, (recurrence, period, whole), end, at)
        amounts.append(bill.make([]).lines)
    before, after = ({(l.id, l.currency): l for l in lines} for lines in amounts)
    lines = []
    for key in list(after) + [key for key in before if key not in after]:
        was = before[key].amount if key in before else 0
        if planted.is_on("late_without_old"):
            was = 0
        now = after[key].amount if key in after else 0
        if was != now:
            some = after.get(key) or before[key]
            lines.append(Line(f"correction/{name}/{some.id}", money(now - was, some.currency),
                              some.currency, is_tax=some.is_tax))
    return lines


class _Fixed:
    """A recurrence that has this one period alone: all plans of its time are on it."""

    def __init__(self, zone):
        self.zone = zone

    def key(self):
        return None


def decimal(minor, currency):
    exponent = EXPONENTS[currency]
    digits = str(abs(minor)).rjust(exponent + 1, "0")
    point = digits[:-exponent] + "." + digits[-exponent:] if exponent else digits
    return ("-" if minor < 0 else "") + point


def answer(bill, _):
    if bill.currency is None:
        return {"name": bill.name(), "currency": None, "lines": [], "total": "0"}
    lines = [{"id": l.id, "amount": decimal(l.amount, l.currency),
              "quantity": None if l.quantity is None else shown(l.quantity)} for l in bill.lines]
    total = sum(line.amount for line in bill.lines)
    tax = sum(line.amount for line in bill.lines if line.is_tax)
    return {
        "name": bill.name(), "start": text(bill.period[0]), "end": text(bill.period[1]),
        "currency": bill.currency, "lines": lines, "total": decimal(total, bill.currency),
        "tax": decimal(tax, bill.currency), "subtotal": decimal(total - tax, bill.currency),
    }


def shown(value):
    """The shortest decimal with at most twelve places."""
    units = half_away(value * 10**12)
    digits = str(abs(units)).rjust(13, "0")
    point = (digits[:-12] + "." + digits[-12:]).rstrip("0").rstrip(".")
    return ("-" if units < 0 else "") + point

"""Random catalogs and histories: every option of the language, often at the edges."""

import datetime
import zoneinfo

from .periods import EPOCH, SECOND, text

ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]
KINDS = ["count", "sum", "sum", "sum", "max", "min", "average", "unique", "unique", "latest",
         "time_weighted"]
START = datetime.datetime(2026, 1, 1)
_tables = {}


def table(name):
    """A zone's offsets from 1970 to 2050, found by halving."""
    if name not in _tables:
        zone = zoneinfo.ZoneInfo(name)
        offset = lambda t: int(datetime.datetime.fromtimestamp(t, zone).utcoffset().total_seconds())
        found, last = [[0, offset(0)]], offset(0)
        for day in range(0, 365 * 80):
            low, high = day * 86400, (day + 1) * 86400
            if offset(high) == last:
                continue
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(middle) == last else (low, middle)
            last = offset(high)
            found.append([high, last])
        _tables[name] = found
    return _tables[name]


class Maker:
    """Makes one case from a random generator."""

    def __init__(self, random):
        self.r = random

    def chance(self, p):
        return self.r.random() < p

    def amount(self, most=20, places=(0, 0, 1, 2, 2, 3, 6)):
        places = self.r.choice(places)
        value = self.r.randint(0, most * 10**places)
        digits = str(value).rjust(places + 1, "0")
        return digits[:-places] + "." + digits[-places:] if places else digits

    def positive(self, most=20, places=(0, 0, 1, 2)):
        while True:
            value = self.amount(most, places)
            if float(value) > 0:
                return value

    # Catalogs

    def case(self, name):
        versions = [self.catalog()]
        entries = [{"kind": "publish", "recorded_at": self.at(-500), "catalog": versions[0]}]
        return self.history(name, entries, versions)

    def catalog(self):
        meters = {f"m{n}": self.meter() for n in range(self.r.randint(1, 3))}
        plans = {f"p{n}": self.plan(meters) for n in range(self.r.randint(1, 3))}
        catalog = {"catalog": 1, "currency": "USD", "meters": meters, "plans": plans}
        if self.chance(0.4):
            catalog["default_plan"] = self.r.choice(list(plans))
        if self.chance(0.15):
            catalog["events"] = {"late": self.r.choice(["ignore", "next_invoice"])}
        zones = {plan.get("billing", {}).get("timezone", "UTC") for plan in plans.values()}
        if self.chance(0.2):
            zones.add(self.r.choice(ZONES))
        zones.discard("UTC")
        if zones:
            catalog["timezones"] = {zone: table(zone) for zone in sorted(zones)}
        return catalog

    def meter(self):
        kind = self.r.choice(KINDS)
        meter = {"event": self.r.choice(["a", "a", "b"]), "aggregate": kind}
        if kind != "count":
            meter["value"] = "who" if kind == "unique" else self.r.choice(["n", "n", "deep.n"])
        if self.chance(0.2):
            meter["filter"] = {"k": self.r.choice(["x", ["x", 1], True])}
        if kind == "unique" and self.chance(0.6):
            meter["operation"] = "op"
        if kind in ("latest", "time_weighted") or "operation" in meter:
            if self.chance(0.5):
                meter["carry"] = True
        elif kind not in ("average",) and self.chance(0.45):
            meter["window"] = self.r.choice(["hour", "day", "day", "day"])
            if self.chance(0.6):
                meter["across"] = "max"
        if self.chance(0.2):
            meter["convert"] = {"divide": self.r.choice(["10", "3", "1000"])}
            if self.chance(0.6):
                meter["convert"]["round"] = self.r.choice(["ceiling", "floor", "half_up"])
                if self.chance(0.5):
                    meter["convert"]["decimals"] = self.r.randint(1, 4)
        return meter

    def tiers(self, rate, flat=True):
        tiers, bound = [], 0
        for _ in range(self.r.randint(0, 3)):
            bound += self.r.randint(1, 8)
            tiers.append({"up_to": str(bound)})
        tiers.append({})
        for tier in tiers:
            if rate is None:
                tier["amount"] = self.amount()
                continue
            if self.chance(0.8):
                tier[rate] = self.amount()
            if flat and (rate not in tier or self.chance(0.3)):
                tier["flat"] = self.amount(50)
        return tiers

    def model(self, meter):
        kind = meter["aggregate"]
        plain = not (set(meter) & {"operation", "window", "carry"})
        choices = ["amount", "package", "graduated", "volume", "stairstep", "graduated_percentage",
                   "dynamic"]
        if kind == "sum" and plain and "convert" not in meter:
            choices += ["percentage"] * 4
        if kind in ("sum", "count") and plain:
            choices += ["matrix"] * 3
        choice = self.r.choice(choices)
        if choice == "amount":
            price = {"amount": self.amount()}
            if self.chance(0.3):
                price["per"] = self.r.choice(["10", "1000"])
        elif choice == "package":
            price = {"package": {"size": self.positive(6), "amount": self.amount()}}
        elif choice in ("graduated", "volume"):
            price = {choice: self.tiers("amount")}
        elif choice == "stairstep":
            price = {choice: self.tiers(None)}
        elif choice == "graduated_percentage":
            price = {choice: self.tiers("rate")}
        elif choice == "dynamic":
            price = {choice: {"multiplier": self.amount(3)}}
        elif choice == "percentage":
            terms = {"rate": self.amount(10)}
            for name, most in (("fixed", 2), ("free_units", 30), ("maximum", 9)):
                if self.chance(0.4):
                    terms[name] = self.amount(most)
            if self.chance(0.4):
                terms["free_events"] = self.r.randint(0, 5)
            if self.chance(0.3) and "maximum" not in terms:
                terms["minimum"] = self.amount(3)
            price = {choice: terms}
        else:
            rows = {"r1": {"k": "x", "amount": self.amount()}}
            if self.chance(0.7):
                rows["r2"] = {"k": "x", "z": 1, "amount": self.amount(), "per": "10"}
            if self.chance(0.5):
                rows["r3"] = {"k": "y", "amount": self.amount()}
            price = {"matrix": {"by": ["k", "z"], "rows": rows}}
            if self.chance(0.5):
                price["matrix"]["other"] = self.amount()
        if choice in ("graduated", "volume", "stairstep", "graduated_percentage") and self.chance(0.3):
            price["flat_at_zero"] = False
        level = kind in ("sum", "count", "unique", "time_weighted")
        if level and not set(meter) & {"window", "convert"} and choice in ("amount", "graduated", "volume"):
            if self.chance(0.5):
                price["prorate"] = self.r.choice(["day", "second"])
        return price, choice

    def price(self, meters):
        if self.chance(0.2):
            price = {"fee": self.amount(100)}
            if self.chance(0.5):
                price["charged"] = "advance"
            if self.chance(0.5):
                price["prorate"] = self.r.choice(["none", "day", "second"])
        else:
            key = self.r.choice(list(meters))
            price, choice = self.model(meters[key])
            price["meter"] = key
            if choice not in ("percentage", "matrix") and self.chance(0.25):
                price["free"] = self.amount(10)
            if self.chance(0.2):
                size = "amount"
                if choice not in ("percentage", "matrix") and "prorate" not in price and self.chance(0.5):
                    size = "quantity"
                price["commitment"] = {size: self.amount(60)}
                if self.chance(0.5):
                    price["commitment"]["overage"] = self.r.choice(["1.5", "0.5", "2"])
                if self.chance(0.3):
                    price["commitment"]["true_up"] = False
            else:
                if self.chance(0.15):
                    price["minimum"] = self.amount(40)
                elif self.chance(0.15):
                    price["maximum"] = self.amount(40)
            if self.chance(0.3):
                price["negative"] = True
        if self.chance(0.2):
            price["discounts"] = self.discounts()
        if self.chance(0.15):
            price["tax_exempt"] = True
        return price

    def discounts(self):
        return [
            {"percent": self.amount(100, (0, 1))} if self.chance(0.6) else {"amount": self.amount(20)}
            for _ in range(self.r.randint(1, 3))]

    def plan(self, meters):
        plan = {"prices": {f"a{n}": self.price(meters) for n in range(self.r.randint(1, 4))}}
        if self.chance(0.15):
            plan["currency"] = self.r.choice(["JPY", "KWD", "EUR"])
        if self.chance(0.6):
            plan["billing"] = {}
            if self.chance(0.6):
                plan["billing"]["every"] = self.r.choice(
                    ["month", "month", "2 months", "week", "10 days", "year", "day"])
            if self.chance(0.6):
                plan["billing"]["anchor"] = self.r.choice(["calendar", "subscription", "subscription"])
            if self.chance(0.5):
                plan["billing"]["timezone"] = self.r.choice(ZONES)
        if self.chance(0.15):
            plan["minimum"] = self.amount(80)
        elif self.chance(0.1):
            plan["maximum"] = self.amount(80)
        if self.chance(0.2):
            plan["discounts"] = self.discounts()
        if self.chance(0.4):
            plan["tax"] = {"rate": self.r.choice(["19", "8.25", "20"]), "name": self.r.choice(["VAT", "Tax"])}
        if self.chance(0.3):
            order = ["minimum", "maximum", "discounts", "tax"]
            self.r.shuffle(order)
            plan["order"] = order[:self.r.randint(1, 4)]
        return plan

    # Histories

    def at(self, days, exact=False):
        """An instant so many days behind the start of 2026; often on an edge."""
        seconds = int(days * 86400)
        if not exact and self.chance(0.3):
            seconds -= seconds % 86400
        moment = int((START.date() - EPOCH).days) * 86400 + seconds
        return text(moment * SECOND)

    def event(self, number, days, recorded):
        value = self.r.choice([self.r.randint(0, 9), self.r.randint(0, 9), self.r.randint(-5, 20),
                               self.amount(9), "2.5", 0])
        data = {"n": Number(value), "deep": {"n": Number(value)},
                "who": self.r.choice(["u1", "u2", "u3", 1])}
        if self.chance(0.5):
            data["op"] = self.r.choice(["add", "remove", "remove", "other"])
        if self.chance(0.6):
            data["k"] = self.r.choice(["x", "x", "y", 1, True])
        if self.chance(0.4):
            data["z"] = self.r.choice([1, 2])
        if self.chance(0.05):
            data["n"] = "many"
        return {"kind": "event", "recorded_at": recorded, "source": self.r.choice(["s", "t"]),
                "id": f"{self.r.choice('zya')}{number}", "type": self.r.choice(["a", "a", "a", "b", "c"]),
                "time": self.at(days), "data": data}

    def history(self, name, entries, versions):
        clock = -400.0
        plans = list(versions[-1]["plans"])
        if self.chance(0.85):
            entry = {"kind": "subscribe", "recorded_at": self.at(clock, True), "plan": self.r.choice(plans),
                     "effective": self.at(self.r.choice([-390, -31.5, -1, 0, 14.25, 30.5]))}
            zones = list(versions[-1].get("timezones", {})) + ["UTC"]
            if self.chance(0.15):
                entry["timezone"] = self.r.choice(zones)
            if self.chance(0.1):
                entry["anchor"] = self.at(-300 + self.r.randint(0, 60))
            entries.append(entry)
        clock = 0.0
        for number in range(self.r.choice([0, 3, 10, 25])):
            clock += self.r.choice([0.01, 1, 3.7])
            kind = self.r.random()
            recorded = self.at(clock, True)
            if kind < 0.8:
                back = self.r.choice([0, 0, 0, 0.5, 9, 40])
                # Days that come again, so that events share an instant.
                day = clock - back
                if self.chance(0.6):
                    day = self.r.choice([5, 6, 12, 13]) + self.r.choice([0, 0, 0.97, 0.97])
                entries.append(self.event(number, min(day, clock), recorded))
            elif kind < 0.87:
                entries.append({"kind": "subscribe", "recorded_at": recorded, "plan": self.r.choice(plans),
                                "effective": self.at(clock - self.r.choice([0, 0, 10, 35]))})
            elif kind < 0.89 and self.subscribed(entries, recorded):
                entries.append({"kind": "cancel", "recorded_at": recorded, "effective": recorded})
            elif kind < 0.93:
                fresh = self.catalog_like(versions[-1])
                entry = {"kind": "publish", "recorded_at": recorded, "catalog": fresh}
                if self.chance(0.5):
                    entry["existing"] = self.r.choice(["at_once", "next_period"])
                    if self.chance(0.6):
                        entry["existing_from"] = self.at(clock - self.r.choice([0, 5, -5]))
                versions.append(fresh)
                entries.append(entry)
            elif clock > 32:
                entries.append({"kind": "finalise", "recorded_at": recorded,
                                "period": self.r.choice(["2025-12", "2026-01", "2026-01", "2026-02"])})
        names = ["2026-01", "2026-02"]
        if self.chance(0.4):
            names += ["2026-03", "2025-12"]
        at = self.at(self.r.choice([clock, 100, 400]) + 1)
        return {"case": name, "entries": entries, "invoices": names, "at": at}

    @staticmethod
    def subscribed(entries, recorded):
        mine = [e for e in entries if e["kind"] in ("subscribe", "cancel") and e["effective"] <= recorded]
        last = max(enumerate(mine), key=lambda pair: (pair[1]["effective"], pair[0]), default=None)
        return last is not None and last[1]["kind"] == "subscribe"

    def catalog_like(self, old):
        """A new version with the same meters and plan names, and other prices."""
        fresh = {**old, "plans": {key: self.plan(old["meters"]) for key in old["plans"]}}
        zones = {plan.get("billing", {}).get("timezone", "UTC") for plan in fresh["plans"].values()}
        zones |= set(old.get("timezones", {}))
        zones.discard("UTC")
        fresh.pop("timezones", None)
        if zones:
            fresh["timezones"] = {zone: table(zone) for zone in sorted(zones)}
        return fresh


class Number(str):
    """Digits that are written as a JSON number."""

    def __new__(cls, value):
        return super().__new__(cls, str(value))

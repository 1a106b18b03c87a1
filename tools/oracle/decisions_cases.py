"""Random histories of one account: subscriptions, overrides, limits of all windows, at the edges of time."""

from .cases import table
from .decisions_windows import Windows
from .periods import DAY, SECOND, UTC, Zone, instant, text

HOUR, MINUTE = 3600 * SECOND, 60 * SECOND
START = instant("2026-01-05T00:00:00Z")
ZONE = "Europe/Berlin"
RESETS = ["hour", "2 hours", "5 hours", "day", "day", "3 days", "week", "2 weeks", "month", "month", "2 months",
          "year", "never"]
METERS = {"calls": {"event": "call", "aggregate": "count"},
          "units": {"event": "use", "aggregate": "sum", "value": "n"},
          "picked": {"event": "use", "aggregate": "sum", "value": "n", "filter": {"k": ["x", 1]}},
          "peak": {"event": "use", "aggregate": "max", "value": "n"}}
FEATURES = {"chat": "calls", "api": "calls", "tokens": "units", "images": "units", "select": "picked", "disk": "peak"}
STATUSES = ["active", "active", "trialing", "past_due", "past_due", "unpaid", "paused", "incomplete",
            "incomplete_expired", "canceled"]
WEIGHTS = {"consume": 24, "event": 12, "hold": 4, "settle": 3, "release": 1, "extend": 1, "subscribe": 5, "cancel": 1,
           "pause": 2, "resume": 2, "subscription": 4, "override": 4, "reset": 2, "publish": 1, "grant": 0,
           "account": 0.4}
_zone = []


def berlin():
    if not _zone:
        _zone.append(Zone(ZONE, table(ZONE)))
    return _zone[0]


class Maker:
    """Makes one case. `avoid` names what is left out."""

    def __init__(self, random, avoid=()):
        self.r, self.avoid = random, set(avoid)
        self.now = START
        self.marks = {START + 26 * DAY}  # 31 January.
        self.holds, self.entries, self.snapshots, self.taken = [], [], [], {}
        self.zoned = self.chance(0.35)
        self.negative = self.chance(0.15)
        self.burning = not self.negative and self.chance(0.25)
        self.features = dict(FEATURES)
        if self.chance(0.3):
            self.features = {name: FEATURES[name] for name in ("api", "images", "select", "disk")}
        self.resetting = self.chance(0.5)
        self.by = self.pick("seat", "a.b") if "by_another" in self.avoid else None
        self.capped = not (self.zoned or self.negative or self.burning) and self.chance(0.3)
        self.outside = self.chance(0.2)  # Mostly outside subscriptions, in states that last.

    def chance(self, p):
        return self.r.random() < p

    def pick(self, *choices):
        return self.r.choice(choices)

    # Catalogs

    def window(self):
        made = {}
        if self.chance(0.8):
            made["reset"] = self.r.choice(RESETS)
        if made.get("reset") != "never" and self.chance(0.3):
            made["anchor"] = "subscription"
        if self.chance(0.2):
            made["by"] = self.by or self.pick("seat", "a.b")
        return made

    def catalog(self):
        names = list(self.features)
        features = {name: {"meter": self.features[name]} for name in names}
        features |= {"export": {}, "days": {"value": "number"}, "region": {"value": "text"}, "help": {"default": True}}
        for name in self.r.sample(sorted({*features} - {"days", "region"}), 2):
            features[name] = {**features[name], "default": self.chance(0.8)}
        catalog = {"catalog": 1, "currency": "USD", "meters": METERS, "features": features,
                   "plans": {name: self.plan(features) for name in ("basic", "pro", "team")},
                   "addons": {name: self.addon(features) for name in ("more", "most")}}
        if self.chance(0.7):
            catalog["default_plan"] = "basic"
        if self.zoned:
            catalog["timezones"] = {ZONE: table(ZONE)}
        if self.outside or self.chance(0.7):
            access = ["allow", "deny", "1 day", "7 days", "3600 seconds", "0 seconds"]
            statuses = self.r.sample(["trialing", "past_due", "unpaid", "paused", "incomplete"], self.r.randint(1, 5))
            catalog["subscriptions"] = {status: self.r.choice(access) for status in statuses}
        if self.chance(0.2):
            catalog["events"] = {"max_age": self.pick("3 days", "40 days"), "max_ahead": self.pick("1 hour", "2 days")}
        if self.burning:
            burn = {"calls": self.pick("1", "0.5"), "units": self.pick("1", "2")}
            catalog["credit"] = {"unit": "credits", "burn": burn, "settle_over": self.credit_rule}
        return catalog

    def plan(self, features):
        names = [name for name in features if self.chance(0.75)]
        plan = {"entitlements": {name: self.entitlement(name) for name in names}}
        if self.zoned and self.chance(0.5):
            plan["billing"] = {"timezone": ZONE}
        if self.capped and self.chance(0.7):
            plan["spend_cap"] = self.pick(5, 10, 40)
            plan["prices"] = {meter: {"meter": meter, "amount": self.pick(1, 2, "0.5")}
                              for meter in ("calls", "units") if self.chance(0.8)}
        return plan

    def addon(self, features):
        made = {}
        for name in features:
            if self.chance(0.35):
                metered = name in self.features and self.chance(0.4)
                made[name] = {"add": self.r.randint(0, 8)} if metered else self.entitlement(name)
        return {"entitlements": made}

    def entitlement(self, name):
        if name == "days":
            return {"value": self.pick(5, 10, "7.5")}
        if name == "region":
            return {"values": self.r.sample(["eu", "us", "asia"], self.r.randint(1, 2))}
        if name not in self.features:
            return self.chance(0.7)
        if self.chance(0.15):
            return self.pick(True, False, {"unlimited": True})
        made = {"limit": self.pick(0, 3, 5, 8, 10, 12, 15, 20, 30, 31, "2.5")}
        made |= self.window()
        if self.chance(0.3):
            made["enforce"] = "soft"
            if self.chance(0.5):
                made["overage"] = self.pick(0, 2, 5)
        if self.chance(0.2):
            made["per"] = "quantity"
        if self.chance(0.4):
            made["warn"] = self.r.sample([1, 50, 80, 100, 120, 200], self.r.randint(1, 3))
        return made

    # Times

    def boundaries(self):
        """Where windows of the calendar and of anchors end soon."""
        anchors = [None, *self.r.sample(sorted(self.marks), min(2, len(self.marks)))]
        made = Windows(self.pick(*[reset for reset in RESETS if reset != "never"]),
                       berlin() if self.zoned and self.chance(0.5) else UTC, self.r.choice(anchors))
        return made.around(self.now)

    def ahead(self, most=40):
        """An instant not before now: often a boundary, or what another entry named, or beside it."""
        if self.chance(0.35):
            end = self.boundaries()[1]
            if end <= self.now + most * DAY:
                return max(self.now, end + self.pick(0, 0, 0, -1, 1))
        marks = [mark for mark in self.marks if self.now < mark <= self.now + most * DAY]
        if marks and self.chance(0.5):
            return max(self.now, self.r.choice(marks) + self.pick(0, 0, 0, -1, 1))
        return self.now + self.r.choice([MINUTE, HOUR, DAY]) * self.r.randint(0, 20)

    def behind(self):
        if self.chance(0.4):
            return self.boundaries()[0] + self.pick(0, 0, -1, 1)
        marks = [mark for mark in self.marks if self.now - 60 * DAY < mark <= self.now]
        if marks and self.chance(0.5):
            return self.r.choice(marks) + self.pick(0, 0, -1)
        return self.now - self.r.choice([MINUTE, HOUR, DAY]) * self.r.randint(0, 20)

    def moment(self):
        """An instant that an entry names, to be come back to."""
        time = self.pick(self.now, self.ahead(), self.behind())
        self.marks.add(time)
        return time

    def move(self):
        if self.chance(0.6):
            self.now = self.ahead(self.pick(1, 1, 2, 9, 40))

    # Entries

    def case(self, name, count=40):
        self.credit_rule = "deny" if "settled_over" in self.avoid else self.pick("allow", "deny")
        self.add("publish", catalog=self.catalog())
        if self.burning:
            self.add("grant", **self.grant())
        kinds, weights = list(WEIGHTS), dict(WEIGHTS, grant=3 if self.burning else 0)
        if self.outside:
            weights |= {"subscription": 15, "subscribe": 1, "override": 1}
        for _ in range(count):
            kind = self.r.choices(kinds, [weights[kind] for kind in kinds])[0]
            if kind in ("settle", "release", "extend") and not self.holds:
                continue
            if kind == "publish" and sum(entry["kind"] == kind for entry in self.entries) > 2:
                continue
            self.move()
            made = getattr(self, kind)()
            if made is not None:
                self.add(kind, **made)
        return {"case": name, "decisions": True, "entries": self.entries, "invoices": [], "at": text(self.now)}

    def add(self, kind, **members):
        times = {key: text(value) for key, value in members.items()
                 if isinstance(value, int) and value > DAY}
        self.entries.append({"kind": kind, "recorded_at": text(self.now), **members, **times})

    def publish(self):
        made = {"catalog": self.catalog()}
        if self.chance(0.3):
            made["existing"] = "at_once" if self.zoned else self.pick("at_once", "next_period")
            if self.chance(0.6):
                made["existing_from"] = self.moment()
        return made

    def quantity(self):
        return self.pick("0", "1", "1", "2", "3", "5", "8", "0.5") if self.chance(0.95) else "40"

    def data(self):
        data = {}
        if self.chance(0.6):
            data["seat"] = self.pick("a", "b", 1, "1", True)
        if self.chance(0.5):
            data["a"] = {"b": self.pick("p", "q")}
        if self.chance(0.5):
            data["k"] = self.pick("x", 1, "1", "z")
        return data

    def consume(self):
        feature = self.r.choice([*self.features, *self.features, "export", "days", "region", "help"])
        if self.chance(0.01):
            feature = "nothing"
        made = {"feature": feature}
        if feature in self.features:
            made["quantity"] = self.quantity()
        if self.chance(0.6):
            made["data"] = self.data()
        if feature == "days" and self.chance(0.8):
            made["value"] = self.pick(1, 5, 6, 7, 8, 10, 11)
        if feature == "region" and self.chance(0.8):
            made["value"] = self.pick("eu", "us", "mars", ["eu", "us"], ["eu", "asia"])
        return made

    def event(self):
        kind = self.pick("call", "use", "use", "other")
        time = self.pick(self.now, self.now, self.now, self.behind(), self.ahead())
        if self.resetting and "reset_of_future" in self.avoid:
            time = min(time, self.now)
        data = self.data()
        if self.chance(0.95):
            data["n"] = self.r.choice([0, 1, 2, 3, 5, 9, 14] + ([-1, -4] if self.negative else []))
        made = {"source": "s", "id": str(len(self.entries)), "type": kind, "data": data}
        return made | {"time": time} if self.chance(0.9) else made

    def hold(self):
        feature = self.r.choice([name for name in self.features if name != "disk"])
        expires = self.now + 1 + self.pick(0, HOUR, DAY, max(0, self.ahead(20) - self.now))
        expires = min(expires, self.now + 30 * DAY)
        self.marks.add(expires)
        self.holds.append((f"{feature}/{len(self.entries)}", expires))
        return {"feature": feature, "quantity": self.quantity(), "expires": expires, "data": self.data()}

    def near(self):
        """A hold, mostly one that is open; now and then just before its end."""
        name, expires = self.r.choice(self.holds[-3:])
        if self.chance(0.3) and expires > self.now:
            self.now = expires - self.pick(0, 1)
        return name

    def settle(self):
        name = self.near()
        held = self.entries[int(name.split("/")[1])]["data"]
        made = {"hold": name, "quantity": self.quantity(), "data": held if self.chance(0.7) else self.data()}
        return made

    def release(self):
        return {"hold": self.near()}

    def extend(self):
        expires = self.now + self.pick(1, HOUR, DAY)
        self.marks.add(expires)
        name = self.near()
        return {"hold": name, "expires": max(expires, self.now + 1)}

    def grant(self):
        made = {"amount": str(self.r.randint(5, 60)), "priority": self.pick(0, 1)}
        made["effective"] = self.pick(self.now, self.now, self.ahead(3))
        if self.chance(0.5):
            made["expires"] = made["effective"] + self.pick(1, HOUR, DAY, 9 * DAY)
            self.marks.add(made["expires"])
        return made

    def reset(self):
        made = {"feature": self.r.choice(list(self.features))}
        if not self.resetting or made["feature"] == "disk":
            return None
        if self.chance(0.6):
            made["anchor"] = "keep" if self.zoned and "moved_zones" in self.avoid else self.pick("keep", "move")
        return made

    # Subscriptions

    def bought(self):
        made = {"plan": self.pick("basic", "pro", "team")}
        if self.chance(0.5):
            made["quantity"] = self.pick(0, 1, 2, 3)
        if self.chance(0.5):
            made["addons"] = {name: self.pick(1, 1, 2, 3) for name in ("more", "most") if self.chance(0.6)}
        if self.chance(0.25):
            made["anchor"] = self.moment()
        return made

    def subscribe(self):
        made = self.bought()
        if self.zoned and self.chance(0.3):
            made["timezone"] = self.pick(ZONE, "UTC")
        if self.chance(0.5):
            made |= self.cancel()
        if self.chance(0.3) and "when" not in made:
            made["trial_until"] = made.get("effective", self.now) + self.pick(1, HOUR, 3 * DAY, 7 * DAY)
            self.marks.add(made["trial_until"])
        return made

    def cancel(self):
        if not self.zoned and self.chance(0.2):
            return {"when": "period_end"}
        return self.resume()

    def resume(self):
        return {"effective": self.moment()} if self.chance(0.6) else {}

    def account(self):
        return {"action": self.pick("create", "archive", "restore", "restore"), **self.resume()}

    def pause(self):
        made = self.cancel()
        if self.chance(0.6):
            begins = self.now + 31 * DAY if "when" in made else made.get("effective", self.now)
            made["until"] = begins + self.pick(1, HOUR, 3 * DAY)
            self.marks.add(made["until"])
        return made

    def subscription(self):
        status = self.r.choice(STATUSES)
        if self.snapshots and self.chance(0.6):
            name, started, last = self.r.choice(self.snapshots)
            # Often the same again: a status goes on from snapshot to snapshot.
            status = last if self.chance(0.7 if self.outside else 0.4) else status
        else:
            name, started = f"sub_{self.pick(1, 2)}{len(self.snapshots)}", self.moment()
        effective = self.pick(self.now, self.now, started, max(started, self.behind()), self.ahead())
        if self.chance(0.5 if not self.outside else 0.2) and self.marks:
            effective = max(started, self.r.choice(sorted(self.marks)))
        effective = max(started, effective)
        first = self.taken.setdefault((name, effective), status)
        status = first if "superseded" in self.avoid else status
        self.snapshots.append((name, started, status))
        self.marks |= {effective, effective + HOUR, effective + DAY, effective + 7 * DAY}
        made = {**self.bought(), "subscription": name, "started": started, "effective": effective,
                "status": status, "id": f"{self.pick('a', 'b', 'c')}{len(self.entries)}"}
        if self.chance(0.4):
            made["rank"] = self.pick(0, 1, 2)
        if self.chance(0.4):
            end = effective + self.pick(1, HOUR, 3 * DAY)
            self.marks.add(end)
            key = {"trialing": "trial_until", "paused": "pause_until"}.get(made["status"], "cancel_at")
            made[key] = end
        return made

    def override(self):
        feature = self.r.choice([*self.features, *self.features, "export", "days", "region", "help"])
        made = {"feature": feature}
        if self.chance(0.15):
            made["remove"] = True
        else:
            made["entitlement"] = self.entitlement(feature)
        if self.chance(0.5):
            made["effective"] = self.moment()
        if self.chance(0.5) and "remove" not in made:
            made["expires"] = max(self.now, made.get("effective", self.now)) + self.pick(1, HOUR, 2 * DAY)
            self.marks.add(made["expires"])
        return made

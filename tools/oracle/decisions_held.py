"""What an account is on at an instant: its own subscription, outside ones, or the default plan."""

from dataclasses import dataclass, field

from . import planted
from .decisions_windows import Windows
from .periods import UTC, Zone

ENDED = ("canceled", "incomplete_expired")


@dataclass
class State:
    """What holds at one instant."""

    plan: dict | None = None  # The plan as its catalog version has it.
    catalog: dict | None = None
    quantity: int = 1
    addons: dict = field(default_factory=dict)
    status: str | None = None  # None: no subscription.
    since: int = 0  # When the status began.
    anchor: int | None = None  # None: no subscription, so the calendar.
    zone: Zone = field(default_factory=lambda: UTC)


@dataclass
class Subscription:
    """One subscription at one instant, before its plan is looked up."""

    name: str
    began: int
    plan: str | None
    version: int
    quantity: int
    addons: dict
    status: str
    since: int
    anchor: int | None
    timezone: str | None = None


class Course:
    """The own subscription, change by change."""

    def __init__(self):
        self.current = self.began = self.paused = self.status = self.since = None

    def become(self, status, at):
        if status != self.status:
            self.status, self.since = status, at

    def goes_on(self, at):
        """What it is when it is not paused."""
        trial = self.current.get("trial_until")
        trialing = trial is not None and at < trial + planted.is_on("trial_end_inclusive")
        self.become("trialing" if trialing else "active", at)

    def advance(self, to):
        """What comes by itself by an instant: the end of a pause, then that of a trial."""
        until = self.paused and self.paused.get("until")
        if until is not None and until <= to:
            self.paused = None
            self.goes_on(until)
        if self.status == "trialing" and self.current["trial_until"] <= to:
            self.goes_on(to if planted.is_on("trial_end_inclusive") else self.current["trial_until"])

    def take(self, change):
        kind, at = change["kind"], change["effective"]
        if kind == "subscribe":
            self.began = at if self.current is None else self.began
            self.current, self.paused = change, None
            self.goes_on(at)
        elif kind == "cancel":
            self.current = self.paused = self.status = None
        elif self.current is not None and kind == "pause":
            self.paused = change
            self.become("paused", at)
        elif self.current is not None:
            self.paused = None
            self.goes_on(at)


class Held:
    """The changes that were recorded, in order of arrival, and the catalogs."""

    def __init__(self):
        self.own, self.outside = [], {}
        self.versions = []  # (recorded at, catalog, existing from or None), in order.

    def publish(self, entry):
        at, existing = entry["recorded_at"], None
        if "existing" in entry:
            existing = entry.get("existing_from", at)
            start, end = self.period(existing)
            if entry["existing"] == "next_period" and existing != start:
                existing = end
        self.versions.append((at, entry["catalog"], existing))

    def record(self, entry, position):
        """A subscribe, cancel, pause, resume or subscription; `effective` is an instant in it."""
        change = {**entry, "position": position, "version": len(self.versions) - 1}
        if entry["kind"] == "subscription":
            self.outside.setdefault(entry["subscription"], []).append(change)
        else:
            self.take_back(change)
            self.own.append(change)

    @staticmethod
    def period(time):
        """The billing period around an instant: months in UTC are the only ones that histories have."""
        return Windows("month", UTC, None).around(time)

    def newest(self):
        return self.versions[-1][1]

    # At an instant

    def take_back(self, change):
        """What is to come behind a resume or a cancellation, and does not come then."""
        taken = {"resume": ("cancel", "pause"), "cancel": ("subscribe", "cancel", "pause", "resume")}
        if planted.is_on("cancel_leaves_coming") and change["kind"] == "cancel":
            return
        self.own = [c for c in self.own if c["kind"] not in taken.get(change["kind"], ())
                    or c["effective"] <= max(change["effective"], change["recorded_at"])]

    def coming(self, time, now, kinds):
        """Whether one of these changes is still to come."""
        return any(c["kind"] in kinds and c["effective"] > max(time, now) for c in self.own)

    def own_at(self, time):
        past = [c for c in self.own if c["effective"] <= time]
        past.sort(key=lambda c: (c["effective"], c["position"]))
        if planted.is_on("changes_by_arrival"):
            past.sort(key=lambda c: c["position"])
        course = Course()
        for change in past:
            course.advance(change["effective"])
            course.take(change)
        course.advance(time)
        current = course.current
        if current is None:
            return None
        return Subscription("", current["effective"], current["plan"], current["version"], current.get("quantity", 1),
                            current.get("addons", {}), course.status, course.since,
                            current.get("anchor", course.began), current.get("timezone"))

    def outside_at(self, name, time):
        known = self.outside[name]
        order = lambda c: (c["effective"], c.get("rank", 0), c.get("id", c["numbered"]))
        if planted.is_on("rank_ignored"):
            order = lambda c: (c["effective"], c["position"])
        past = sorted((c for c in known if c["effective"] <= time), key=order)
        if not past:
            return None
        last = past[-1]
        since, status = self.course(past, time)
        if status in ENDED:
            return None
        plan = last.get("plan")
        named = [c["version"] for c in known if c.get("plan") == plan and c["status"] not in ENDED]
        version = max(named) if planted.is_on("version_of_snapshot") else min(named)
        return Subscription(name, last["started"], plan, version, last.get("quantity", 1), last.get("addons", {}),
                            status, since, last.get("anchor", last["started"]))

    @staticmethod
    def course(past, time):
        """Since when a subscription has which status, by its snapshots in order."""
        # Of one time the last of the order stands; the others never held.
        standing = [c for c, after in zip(past, [*past[1:], None])
                    if after is None or after["effective"] > c["effective"]]
        since = status = None
        for change, after in zip(standing, [*standing[1:], None]):
            if status != change["status"] or planted.is_on("grace_begins_anew"):
                since, status = change["effective"], change["status"]
            end = time if after is None else after["effective"]
            coming = [(change[key], becomes) for held, key, becomes in (
                ("trialing", "trial_until", "active"), ("paused", "pause_until", "active"),
                (None, "cancel_at", "canceled"))
                if held in (None, status) and change.get(key) is not None and change[key] <= end]
            for at, becomes in sorted(coming):
                if status not in ENDED:
                    since, status = at, becomes
        return since, status

    def counting(self, time):
        """The subscription that began last and has not ended."""
        found = [self.own_at(time), *(self.outside_at(name, time) for name in self.outside)]
        found = [one for one in found if one is not None]
        # One whose first payment has not come yet counts only where there is no other.
        found = [one for one in found if one.status != "incomplete"] or found
        if planted.is_on("first_begun_counts"):
            return min(found, key=lambda one: (one.began, one.name), default=None)
        return max(found, key=lambda one: (one.began, one.name), default=None)

    def at(self, time):
        one = self.counting(time)
        if one is None:
            known = [catalog for at, catalog, _ in self.versions if at <= time]
            catalog = known[-1] if known else self.versions[0][1]
            key = catalog.get("default_plan")
            if key is None:
                return State()
            plan = catalog["plans"][key]
            return State(plan, catalog, zone=self.zone(plan, catalog, None))
        number = one.version
        moved = (-2**63, number)
        for other, (_, catalog, existing) in enumerate(self.versions):
            if other > number and existing is not None and existing <= time and one.plan in catalog["plans"]:
                moved = max(moved, (existing, other))
        catalog = self.versions[moved[1]][1]
        plan = catalog["plans"].get(one.plan)
        return State(plan, catalog, one.quantity, one.addons, one.status, one.since, one.anchor,
                     self.zone(plan or {}, catalog, one.timezone))

    def zone(self, plan, catalog, name):
        name = name or plan.get("billing", {}).get("timezone", "UTC")
        for version in [catalog, *(v[1] for v in reversed(self.versions))]:
            table = version.get("timezones", {}).get(name)
            if table:
                return Zone(name, [[int(a), int(b)] for a, b in table])
        return UTC

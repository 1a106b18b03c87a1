"""Which plan holds when, and the billing periods that follow."""

from .periods import BEGINNING, END, Recurrence, UTC, Zone


class Stretch:
    """One plan, or none, over a time."""

    def __init__(self, start, plan, zone, anchor):
        self.start, self.end = start, END
        self.plan, self.zone, self.anchor = plan, zone, anchor
        self.recurrence = None


def cycle(plan):
    billing = plan.get("billing", {})
    return (billing.get("every", "month"), billing.get("anchor", "calendar"))


class Contract:
    """What an account has bought, from its entries."""

    def __init__(self, entries, until):
        self.versions = [entry for entry in entries if entry["kind"] == "publish"]
        changes = []
        for entry in entries[:until]:
            if entry["kind"] == "cancel":
                last = max((c["effective"], n, c["kind"]) for n, c in enumerate([{"effective": BEGINNING, "kind": None},
                           *changes]) if c["effective"] <= entry["effective"])
                # What was to come later does not come.
                left = [c for c in changes if c["effective"] <= max(entry["effective"], entry["at"])]
                if last[2] != "subscribe" and len(left) == len(changes):
                    raise KeyError("there is nothing to cancel")
                changes = left
            if entry["kind"] in ("subscribe", "cancel"):
                changes.append(entry)
        self.timeline = sorted(changes, key=lambda entry: entry["effective"])  # stable: of one time the later counts
        moves = [(v["existing_from"], n) for n, v in enumerate(self.versions) if v["existing"] == "at_once"]
        self.stretches = self.lay_out(moves)
        for number, version in enumerate(self.versions):
            if version["existing"] != "next_period":
                continue
            start, end = self.period_at(version["existing_from"])[1]
            at = version["existing_from"] if start == version["existing_from"] else end
            moves.append((at, number))
            self.stretches = self.lay_out(moves)

    def lay_out(self, moves):
        cuts = {BEGINNING} | {entry["effective"] for entry in self.timeline}
        cuts |= {at for at, _ in moves} | {version["at"] for version in self.versions[1:]}
        stretches = []
        for cut in sorted(cuts):
            plan, zone, anchor = self.in_force(cut, moves)
            last = stretches[-1] if stretches else None
            if last and (last.plan, last.zone, last.anchor) == (plan, zone, anchor):
                continue
            stretch = Stretch(cut, plan, zone, anchor)
            if last:
                last.end = cut
            stretches.append(stretch)
            if plan is None:
                continue
            goes_on = last and last.plan is not None and cycle(last.plan) == cycle(plan)
            if goes_on and last.zone == zone and last.anchor == anchor:
                stretch.recurrence = last.recurrence
            else:
                began = 0 if cut == BEGINNING else cut
                every, anchored = cycle(plan)
                stretch.recurrence = Recurrence(
                    every, anchored, zone, began if anchor is None else anchor)
        return stretches

    def in_force(self, time, moves):
        subscription = None
        for entry in self.timeline:
            if entry["effective"] <= time:
                subscription = entry
        if subscription is not None and subscription["kind"] == "subscribe":
            number = subscription["version"]
            best = (BEGINNING, number)
            for at, other in moves:
                plans = self.versions[other]["catalog"].get("plans", {})
                if other > subscription["version"] and at <= time and subscription["plan"] in plans:
                    best = max(best, (at, other))
            catalog = self.versions[best[1]]["catalog"]
            plan = catalog["plans"][subscription["plan"]]
            name = subscription.get("timezone") or plan.get("billing", {}).get("timezone", "UTC")
            return plan_of(catalog, plan), self.zone(catalog, name), subscription.get("anchor")
        known = [version for version in self.versions if version["at"] <= time]
        version = known[-1] if known else self.versions[0]
        catalog = version["catalog"]
        key = catalog.get("default_plan")
        if key is None:
            return None, UTC, None
        plan = catalog["plans"][key]
        name = plan.get("billing", {}).get("timezone", "UTC")
        return plan_of(catalog, plan), self.zone(catalog, name), None

    def zone(self, catalog, name):
        for version in [catalog] + [v["catalog"] for v in reversed(self.versions)]:
            if name in version.get("timezones", {}):
                return Zone(name, [[int(a), int(b)] for a, b in version["timezones"][name]])
        return UTC

    def runs(self):
        runs = []
        for stretch in self.stretches:
            if stretch.recurrence is None:
                continue
            if runs and runs[-1][0].key() == stretch.recurrence.key():
                runs[-1] = (runs[-1][0], runs[-1][1], stretch.end)
            else:
                runs.append((stretch.recurrence, stretch.start, stretch.end))
        return runs

    def period_at(self, time):
        """The recurrence, the period that is billed, and the whole of which it is a part."""
        runs = self.runs()
        if not runs:
            recurrence = Recurrence("month", "calendar", UTC, 0)
            whole = recurrence.containing(time)
            return recurrence, whole, whole
        index = max([n for n, run in enumerate(runs) if run[1] <= time], default=0)
        return self.of_run(index, time, runs)

    def named(self, text):
        """The period with a name; of several the newest with something bought in it."""
        runs = self.runs()
        for exact in (True, False):
            for index in reversed(range(len(runs))) if exact else ():
                found = self.of_run(index, runs[index][1], runs)
                if name_of(found) == text and self.spans(found[1], runs[index][0]):
                    return found
            for index in reversed(range(len(runs))):
                for probe in self.probes(text, runs[index][0]):
                    found = self.of_run(index, probe, runs)
                    if exact and name_of(found) != text:
                        continue
                    if self.spans(found[1], runs[index][0]):
                        return found
        if runs:
            for probe in self.probes(text, runs[0][0]):
                return self.of_run(0, probe, runs)
        recurrence = Recurrence("month", "calendar", UTC, 0)
        for probe in self.probes(text, recurrence):
            whole = recurrence.containing(probe)
            return recurrence, whole, whole
        return None

    @staticmethod
    def of_run(index, probe, runs):
        """The period around an instant, as far as it belongs to a run."""
        recurrence = runs[index][0]
        whole = recurrence.containing(probe)
        before = runs[index - 1][2] if index else BEGINNING
        after = runs[index + 1][1] if index + 1 < len(runs) else END
        start = max(whole[0], min(before, whole[1]))
        return recurrence, (start, max(start, min(whole[1], after))), whole

    @staticmethod
    def probes(text, recurrence):
        """The starts of periods with a name: none or one."""
        from .periods import EPOCH, add_months
        import datetime
        year, month, *day = [int(part) for part in text.split("-")]
        first = datetime.date(year, month, day[0] if day else 1)
        last = first + datetime.timedelta(days=1) if day else add_months(first, 1)
        low = recurrence.zone.at((first - EPOCH).days, 0)
        high = recurrence.zone.at((last - EPOCH).days, 0)
        starts, (start, end) = [], recurrence.containing(low)
        if start < low:
            start, end = recurrence.containing(end)
        while start < high:
            starts.append(start)
            start, end = recurrence.containing(end)
        return starts if len(starts) == 1 else []

    def spans(self, period, recurrence=None):
        """(plan, start, end) for the parts of a period on one plan each."""
        spans = []
        for stretch in self.stretches:
            start, end = max(stretch.start, period[0]), min(stretch.end, period[1])
            fits = recurrence is None or (
                stretch.recurrence is not None and stretch.recurrence.key() == recurrence.key())
            if stretch.plan is not None and fits and start < end:
                spans.append((stretch.plan, start, end))
        return spans

    def at(self, time):
        found = [stretch for stretch in self.stretches if stretch.start <= time]
        return found[-1]


def name_of(found):
    """A period's name; one that begins where another recurrence ended goes by its first day."""
    recurrence, period, whole = found
    if period[0] == whole[0]:
        return recurrence.name(whole[0])
    from .periods import EPOCH
    import datetime
    return str(EPOCH + datetime.timedelta(days=recurrence.zone.local(period[0])[0]))


def plan_of(catalog, plan):
    """The plan with what it takes from its catalog."""
    return {**plan, "currency": plan.get("currency", catalog["currency"]), "name": plan.get("name")}

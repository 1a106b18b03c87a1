"""The credit account of one customer: buckets, holds, recurring grants, shortfall.

A second model, from the written rules alone; it shares no code with the engine. Instants are
nanoseconds since 1970 in UTC; methods take them so or as RFC 3339 text.
Amounts are integers of 10^-12 inside and exact fractions outside. Recurrences are in UTC.

READINGS: what the rules leave open, or say in two ways, and what is done here.

Recurring grants
 1. Renewal says of a rolled bucket both that `remaining` stays and that it shrinks by the kept
    part. It shrinks; `amount` stays.
 2. What goes over makes one new bucket, before the period's own. Both count at the next boundary.
 3. No bucket of a recurring grant outlasts `ends`: the first and the rolled ones neither, though
    the rules say it of the period's new bucket only. At `ends` nothing renews or rolls over.
 4. Boundaries lie on both sides of the anchor, and the anchor is one.
 5. A recurring grant that is effective in the past is caught up at once, boundary by boundary.
 6. A rollover with `min` alone has no upper bound; with `max` alone its `min` is 0. `min` above
    `max` is refused. With neither there is no rollover.
 7. Voiding a bucket does not end the recurring grant it belongs to.

Repay
 8. A bucket repays only if it is usable at the instant it repays at. That is its effective time
    or, of one that is made later than that, the recorded-at. A grant, or a caught up period,
    that is over when it is recorded thus repays nothing.
 9. Shortfall belongs to the entry that made it. The oldest entry is repaid first, and what is paid
    becomes the newest draw of that entry, so that a correction gives it back to the bucket that
    paid. Otherwise correcting repaid usage would lose credits, or break the invariant: the
    entry's shortfall would shrink while the account has none left to shrink.
11. Credits that come back (from a hold or a correction) repay like new ones, if they are usable:
    general credits and shortfall never stand side by side where overage is repaid.

Corrections
12. More than an entry still has to give back is cut to that. An entry that is unknown, was denied,
    or is a hold still open or released has nothing to give back.
13. A settled hold is corrected by the hold's id. Its extra counts as paid after its held part.

Holds
15. A hold remembers its unit and its feature, for the extra.
16. `settle_over: deny` refuses only what is not covered: the extra is a consume, all or nothing.
    Extra that is covered is drawn under either policy.
17. Settling for 0 is allowed; what is not open cannot be settled, extended or released.
18. A hold must expire after its recorded-at. At its own expiry it is no longer open.
19. Held credits stay payable after their bucket expires.

Void and reset
20. Voiding an expired bucket moves its rest from expired to voided. Voiding twice changes nothing,
    and an ordinal that does not exist is refused.
21. A group that does not recur is the one bucket of a grant with a rollover. Reset touches it only
    if it is usable at the recorded-at and not voided. Held parts do not count as left.
22. What reset cuts is expired for good, and not to be had by late usage; what renewal cuts is,
    because it stays `remaining`.
23. After a reset, every usable bucket of the unit without features repays, by ordinal, and only
    where overage is repaid.

The rest
27. Shortfall of a late use is repaid at once from general credits that are usable.
"""

import copy
import math

from .credits_check import check, checked, summed
from .credits_state import (
    KEYS, NEVER, ORDER, Bucket, Entry, Hold, Recurrence, Recurring, exact, listed, number, quantity,
    rollover, template, when)


class Account:
    STEPS = ["grant", "recur", "consume", "use", "hold", "extend", "settle", "release", "void",
             "reset", "correct"]

    def __init__(self, order=None, overage="repay", settle_over="deny"):
        self.order = list(ORDER if order is None else order)
        assert set(self.order) <= set(ORDER) and settle_over in ("deny", "allow")
        self.overage, self.settle_over = overage, settle_over
        self.clock = -math.inf
        self.buckets = []
        self.pending = []  # Ordinals that have not become usable yet.
        self.holds = {}  # By id, in the order of their placing.
        self.recurring = {}
        self.entries = {}  # By id, in the order in which they burnt.
        self.ids = set()
        self.shortfall = {}
        self.burnt = {}  # By all entries, net of corrections.

    def do(self, step):
        """One step as a dictionary: its name under `do`, and the method's arguments."""
        arguments = {name: value for name, value in step.items() if name != "do"}
        assert step["do"] in self.STEPS, step
        return getattr(self, step["do"])(**arguments)

    # Time

    def advance(self, to):
        to = when(to)
        if to < self.clock:
            raise ValueError("time does not go back")
        while (due := self._next_due()) <= to:
            self.clock = max(self.clock, due)
            for id in [id for id, hold in self.holds.items() if hold.expires == due]:
                self._drop_hold(id)
            for id in [id for id, grant in self.recurring.items() if grant.next == due]:
                self._renew(self.recurring[id])
            self._repay_from_new()
        self.clock = to

    def _next_due(self):
        instants = [hold.expires for hold in self.holds.values()]
        instants += [grant.next for grant in self.recurring.values()]
        instants += [self.buckets[ordinal].effective for ordinal in self.pending]
        return min(instants, default=NEVER)

    # Grants

    @checked
    def grant(self, at, recorded_at, *, unit="credits", kind="purchased", amount, priority=0,
              features=(), cost=None, effective=None, expires=None, rollover_max=None,
              rollover_min=None):
        """Answers the bucket's ordinal. A rollover takes part in resets."""
        self.advance(recorded_at)
        ordinal = self._make(
            amount=number(amount), effective=when(at if effective is None else effective),
            expires=NEVER if expires is None else when(expires),
            rollover=rollover(rollover_max, rollover_min),
            **template(unit, kind, priority, features, cost))
        self._repay_from_new()
        return ordinal

    @checked
    def recur(self, recorded_at, *, id, amount, every, anchor, effective, ends=None,
              rollover_max=None, rollover_min=None, unit="credits", kind="purchased", priority=0,
              features=(), cost=None):
        """Answers the ordinal of the first bucket."""
        self.advance(recorded_at)
        effective = when(effective)
        if id in self.recurring:
            raise ValueError(f"a recurring grant twice: {id}")
        grant = Recurring(id, number(amount), Recurrence(every, when(anchor)),
                          NEVER if ends is None else when(ends),
                          rollover(rollover_max, rollover_min),
                          template(unit, kind, priority, features, cost))
        ordinal = self._make_period(grant, effective, grant.amount)
        self.recurring[id] = grant
        self._repay_from_new()
        self.advance(self.clock)
        return ordinal

    def _make(self, *, amount, effective, expires, **named):
        if amount <= 0 or expires <= effective:
            raise ValueError("a bucket has an amount, and expires after it is effective")
        self.buckets.append(Bucket(
            amount=amount, remaining=amount, effective=effective, expires=expires, **named))
        self.pending.append(len(self.buckets) - 1)
        return len(self.buckets) - 1

    def _make_period(self, grant, start, amount):
        ordinal = self._make(amount=amount, effective=start, expires=grant.end_of_period(start),
                             origin=grant.id, **grant.template)
        grant.current.append(ordinal)
        following = grant.recurrence.after(start)
        grant.next = following if following < grant.ends else NEVER
        return ordinal

    def _renew(self, grant):
        start = grant.next
        live = [ordinal for ordinal in grant.current
                if self.buckets[ordinal].expires == start and self.buckets[ordinal].remaining > 0]
        most, least = grant.rollover or (0, 0)
        left = sum(self.buckets[ordinal].remaining for ordinal in live)
        keep = min(left, most)
        cut = left - keep
        grant.current = []
        for ordinal in sorted(live):
            old = self.buckets[ordinal]
            lost = min(cut, old.remaining)
            kept = old.remaining - lost
            cut -= lost
            if kept:
                old.remaining -= kept
                old.rolled += kept
        if keep:
            grant.current.append(self._make(amount=keep, effective=start, expires=grant.end_of_period(start),
                                            origin=grant.id, **grant.template))
        self._make_period(grant, start, grant.amount + max(0, least - keep))

    # Burning

    @checked
    def consume(self, id, recorded_at, units, feature, unit="credits"):
        """Whether it is allowed, and the draws."""
        self.advance(recorded_at)
        units = self._accept(id, units)
        draws, rest = self._plan(units, unit, feature, self.clock)
        if rest:
            return False, []
        self._burn(id, unit, draws, 0)
        return True, listed(draws)

    @checked
    def use(self, id, recorded_at, units, feature, time, unit="credits"):
        """The draws, and what no bucket covers at that time."""
        self.advance(recorded_at)
        units = self._accept(id, units)
        draws, rest = self._plan(units, unit, feature, when(time))
        self._burn(id, unit, draws, rest)
        return listed(draws), exact(rest)

    def _accept(self, id, units):
        if id in self.ids:
            raise ValueError(f"an identity twice: {id}")
        units = quantity(units)
        self.ids.add(id)
        return units

    def _plan(self, units, unit, feature, moment):
        """Who would pay, and what nobody pays."""
        usable = [ordinal for ordinal, bucket in enumerate(self.buckets)
                  if bucket.unit == unit and bucket.is_usable(moment) and bucket.remaining > 0
                  and (not bucket.features or feature in bucket.features)]
        usable.sort(key=lambda ordinal: (
            [KEYS[name](self.buckets[ordinal]) for name in self.order], ordinal))
        draws = []
        for ordinal in usable:
            paid = min(self.buckets[ordinal].remaining, units)
            if paid:
                draws.append([ordinal, paid])
                units -= paid
        return draws, units

    def _burn(self, id, unit, draws, rest, held=()):
        """Pays the draws. What was held is paid already, and comes first in paying order."""
        for ordinal, units in draws:
            self.buckets[ordinal].remaining -= units
            self.buckets[ordinal].drawn += units
        for ordinal, units in held:
            self.buckets[ordinal].held -= units
            self.buckets[ordinal].drawn += units
        paid = [list(draw) for draw in [*held, *draws]]
        self.entries[id] = Entry(unit, paid, rest)
        self.shortfall[unit] = self.shortfall.get(unit, 0) + rest
        burnt = rest + sum(units for _, units in paid)
        self.burnt[unit] = self.burnt.get(unit, 0) + burnt
        for ordinal in range(len(self.buckets)) if rest else ():
            self._repay(ordinal)

    def _repay_from_new(self):
        new = [o for o in self.pending if self.buckets[o].effective <= self.clock]
        self.pending = [o for o in self.pending if self.buckets[o].effective > self.clock]
        for ordinal in sorted(set(new)):
            self._repay(ordinal)

    def _repay(self, ordinal):
        bucket = self.buckets[ordinal]
        if self.overage != "repay" or bucket.features or not bucket.is_usable(self.clock):
            return
        if not self.shortfall.get(bucket.unit):
            return
        for entry in self.entries.values():
            if entry.unit == bucket.unit:
                paid = min(bucket.remaining, entry.shortfall)
                if paid:
                    bucket.remaining -= paid
                    bucket.drawn += paid
                    entry.draws.append([ordinal, paid])
                    entry.shortfall -= paid
                    self.shortfall[bucket.unit] -= paid

    def _give_back(self, draws, units, part):
        """Takes units off the draws in reverse paying order. `part` is `drawn` or `held`."""
        back = []
        while units and draws:
            ordinal, paid = draws.pop()
            some = min(units, paid)
            if some < paid:
                draws.append([ordinal, paid - some])
            bucket = self.buckets[ordinal]
            setattr(bucket, part, getattr(bucket, part) - some)
            if bucket.is_voided:
                bucket.voided += some
            else:
                bucket.remaining += some
            units -= some
            back.append((ordinal, some))
        self.pending += [ordinal for ordinal, _ in back]
        return back

    @checked
    def correct(self, entry, recorded_at, units):
        """What comes back to buckets, and how much shortfall is forgiven."""
        self.advance(recorded_at)
        units = quantity(units)
        burnt = self.entries.get(entry)
        if burnt is None:
            return [], exact(0)
        forgiven = min(units, burnt.shortfall)
        burnt.shortfall -= forgiven
        self.shortfall[burnt.unit] -= forgiven
        back = self._give_back(burnt.draws, units - forgiven, "drawn")
        self.burnt[burnt.unit] -= forgiven + sum(some for _, some in back)
        self._repay_from_new()
        return listed(back), exact(forgiven)

    # Holds

    @checked
    def hold(self, id, recorded_at, units, feature, expires, unit="credits"):
        """Whether it is allowed, and what is held."""
        self.advance(recorded_at)
        if when(expires) <= self.clock:
            raise ValueError("a hold expires after it is placed")
        units = self._accept(id, units)
        draws, rest = self._plan(units, unit, feature, self.clock)
        if rest:
            return False, []
        for ordinal, some in draws:
            self.buckets[ordinal].remaining -= some
            self.buckets[ordinal].held += some
        answer = listed(draws)
        self.holds[id] = Hold(unit, feature, when(expires), draws)
        return True, answer

    @checked
    def extend(self, id, recorded_at, expires):
        """Whether the hold is open and the new expiry later."""
        self.advance(recorded_at)
        if id not in self.holds or when(expires) <= self.holds[id].expires:
            return False
        self.holds[id].expires = when(expires)
        return True

    @checked
    def settle(self, id, recorded_at, units):
        """Whether it is allowed, all draws that the hold paid in the end, and the shortfall."""
        self.advance(recorded_at)
        units = quantity(units)
        if id not in self.holds:
            return False, [], exact(0)
        hold = self.holds[id]
        held = sum(some for _, some in hold.draws)
        extra, rest = self._plan(max(0, units - held), hold.unit, hold.feature, self.clock)
        if rest and self.settle_over == "deny":
            return False, [], exact(0)
        self._give_back(hold.draws, max(0, held - units), "held")
        del self.holds[id]
        answer = listed([*hold.draws, *extra])
        self._burn(id, hold.unit, extra, rest, held=hold.draws)
        self._repay_from_new()
        return True, answer, exact(rest)

    @checked
    def release(self, id, recorded_at):
        """Whether the hold was open, and what comes back."""
        self.advance(recorded_at)
        if id not in self.holds:
            return False, []
        back = self._drop_hold(id)
        self._repay_from_new()
        return True, listed(back)

    def _drop_hold(self, id):
        return self._give_back(self.holds.pop(id).draws, NEVER, "held")

    # Void, reset

    @checked
    def void(self, ordinal, recorded_at):
        """How much is voided, or None if there is no such bucket."""
        self.advance(recorded_at)
        if not 0 <= ordinal < len(self.buckets):
            return None
        bucket = self.buckets[ordinal]
        rest, bucket.remaining, bucket.is_voided = bucket.remaining, 0, True
        bucket.voided += rest
        return exact(rest)

    @checked
    def reset(self, recorded_at, unit="credits"):
        self.advance(recorded_at)
        usable = [ordinal for ordinal, bucket in enumerate(self.buckets)
                  if bucket.unit == unit and bucket.is_usable(self.clock) and not bucket.is_voided]
        for bucket in (self.buckets[ordinal] for ordinal in usable):
            if bucket.rollover is not None:
                most, least = bucket.rollover
                kept = max(least, min(bucket.remaining, most))
                bucket.cut += max(0, bucket.remaining - kept)
                bucket.amount += max(0, kept - bucket.remaining)
                bucket.remaining = kept
        for ordinal in usable:
            self._repay(ordinal)

    # Looking

    def totals(self, at):
        """By unit, at an instant not before the last step. The account stays as it is."""
        if when(at) == self.clock:
            return summed(self)
        other = copy.deepcopy(self)
        other.advance(at)
        check(other)
        return summed(other)

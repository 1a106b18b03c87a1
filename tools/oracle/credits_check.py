"""The totals of a credit account, and the invariant: of each bucket, of each unit, and between
entries, holds and buckets."""

import functools

from .credits_state import exact


def checked(method):
    """A step, behind which the invariant must hold."""
    @functools.wraps(method)
    def step(account, *arguments, **named):
        answer = method(account, *arguments, **named)
        check(account)
        return answer
    return step


def summed(account):
    """By unit, at the account's clock."""
    clock, found = account.clock, {}
    for unit in {*(bucket.unit for bucket in account.buckets), *account.shortfall}:
        buckets = [bucket for bucket in account.buckets if bucket.unit == unit]
        amounts = {
            "granted": sum(bucket.amount for bucket in buckets),
            "used": sum(bucket.drawn + bucket.held for bucket in buckets),
            "held": sum(bucket.held for bucket in buckets),
            "remaining": sum(b.remaining for b in buckets if b.expires > clock),
            "expired": sum(bucket.expired(clock) for bucket in buckets),
            "voided": sum(bucket.voided for bucket in buckets),
            "rolled": sum(bucket.rolled for bucket in buckets),
            "shortfall": account.shortfall.get(unit, 0),
        }
        found[unit] = {name: exact(value) for name, value in amounts.items()}
    return found


def check(account):
    buckets, entries = account.buckets, account.entries.values()
    drawn, held = [0] * len(buckets), [0] * len(buckets)
    for entry in entries:
        assert entry.shortfall >= 0, entry
        for ordinal, units in entry.draws:
            assert units > 0 and buckets[ordinal].unit == entry.unit, entry
            drawn[ordinal] += units
    for hold in account.holds.values():
        assert hold.expires > account.clock, hold
        for ordinal, units in hold.draws:
            assert units > 0 and buckets[ordinal].unit == hold.unit, hold
            held[ordinal] += units
    for ordinal, bucket in enumerate(buckets):
        parts = [bucket.drawn, bucket.held, bucket.remaining, bucket.cut, bucket.voided,
                 bucket.rolled]
        assert min(parts) >= 0 and bucket.amount == sum(parts), bucket
        assert (bucket.drawn, bucket.held) == (drawn[ordinal], held[ordinal]), bucket
        assert not (bucket.is_voided and bucket.remaining), bucket
    for unit, shortfall in account.shortfall.items():
        drawn_here = sum(bucket.drawn for bucket in buckets if bucket.unit == unit)
        assert shortfall == sum(e.shortfall for e in entries if e.unit == unit) >= 0, unit
        assert account.burnt[unit] == drawn_here + shortfall, unit
    for unit, amounts in summed(account).items():
        others = ("used", "remaining", "expired", "voided", "rolled")
        assert amounts["granted"] == sum(amounts[name] for name in others), (unit, amounts)

"""What was used, in the windows that were named for its meter."""

from fractions import Fraction

from . import planted
from .decisions_windows import Windows, window


def property_of(data, path):
    """A property of nested objects; what tells kinds apart goes with it."""
    if path is None:
        return None
    for part in path.split("."):
        if not isinstance(data, dict) or part not in data:
            return None
        data = data[part]
    return data if not isinstance(data, bool) else ("boolean", data)


MONTH = ("month", "calendar", None)  # Counted in any case.


class Usage:
    """Each use with the windows it counts in, by (reset, anchor)."""

    def __init__(self, held):
        self.held = held
        self.kinds = {}  # By meter: the kinds of window that were named.
        self.uses = []
        self.resets = {}  # By meter: the newest.

    @staticmethod
    def kind(entitlement):
        return entitlement["reset"], entitlement["anchor"], entitlement["by"]

    def name(self, meter, entitlement):
        """A window that a catalog or an override names: all that was used counts in it."""
        if meter is None or entitlement["kind"] != "limit":
            return
        kind, named = self.kind(entitlement), self.kinds.setdefault(meter, {MONTH})
        if kind in named:
            return
        named.add(kind)
        if not planted.is_on("new_window_empty"):
            self.count_again(meter)

    def count_again(self, meter):
        """All that was used, in all windows of a meter, by the subscriptions as they are known now."""
        for use in self.uses:
            if use["meter"] == meter:
                use["windows"] = {kind: self.start(kind, use["time"]) for kind in self.kinds.get(meter, {MONTH})}

    def start(self, kind, time):
        """The window in which it counts, with its zone: that may change within the window."""
        state = self.held.at(time)
        return (*window(kind[0], kind[1], state, time), state.zone.name)

    def record(self, meter, quantity, time, data, position):
        kinds = self.kinds.get(meter, {MONTH})
        self.uses.append({"meter": meter, "quantity": quantity, "time": time, "data": data, "position": position,
                          "windows": {kind: self.start(kind, time) for kind in kinds}})

    def reset(self, meter, at, position, moves):
        if planted.is_on("reset_ignored"):
            return
        old = self.resets.get(meter)
        anchor = at if moves else old and old["anchor"]
        self.resets[meter] = {"at": at, "position": position, "anchor": anchor}

    def whole(self, meter, entitlement, state, time, cut=True):
        """The window of a limit of a meter at an instant, whatever was reset in it."""
        reset = self.resets.get(meter)
        if reset and reset["anchor"] is not None and entitlement["reset"] != "never":
            return Windows(entitlement["reset"], state.zone, reset["anchor"]).around(time)
        return window(entitlement["reset"], entitlement["anchor"], state, time, cut)

    def window(self, meter, entitlement, state, time):
        """The same; a reset within it is its start."""
        start, end = self.whole(meter, entitlement, state, time)
        reset = self.resets.get(meter)
        if reset:
            start = max(start, reset["at"])
        return start, end

    def used(self, meter, entitlement, by, state, now):
        kind = self.kind(entitlement)
        whole = window(entitlement["reset"], entitlement["anchor"], state, now)
        start, end = self.window(meter, entitlement, state, now)
        reset = self.resets.get(meter)
        total = Fraction(0)
        for use in self.uses:
            if use["meter"] != meter:
                continue
            if kind[2] is not None and property_of(use["data"], kind[2]) != by:
                continue
            if reset and (use["position"] < reset["position"] or use["time"] < start):
                continue
            if reset and reset["anchor"] is not None and kind[0] != "never":
                counts = start <= use["time"] < end
            else:
                other = use["windows"].get(kind)
                counts = other is not None and (other[0] == whole[0] or self.of_old_zone(other, kind, state, now))
                if kind == MONTH and not state.zone.froms:
                    counts = counts or whole[0] <= use["time"] < whole[1]
            if counts:
                total = self.after(meter, total, use["quantity"])
        return total

    @staticmethod
    def of_old_zone(window, kind, state, now):
        """A running window of a zone that the account was in when it was used."""
        if planted.is_on("old_zone_forgotten"):
            return False
        return kind[1] == "calendar" and window[2] != state.zone.name and window[0] <= now < window[1]

    def after(self, meter, used, quantity):
        """Usage with a quantity more of it."""
        return max(used, quantity) if self.is_max(meter) else used + quantity

    def is_max(self, meter):
        return self.held.newest()["meters"][meter]["aggregate"] == "max"

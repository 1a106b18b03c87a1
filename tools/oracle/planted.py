"""Mistakes that can be switched on, to see that a comparison would find them."""

NAMES = [
    "bound_exclusive", "half_even", "free_not_shared", "tax_before_discount", "change_day_inclusive",
    "anchor_from_previous", "late_without_old", "max_over_period", "carry_forgotten",
    "volume_first_tier", "overage_at_once", "remove_ignored", "window_in_utc", "order_by_arrival",
    "discount_of_whole", "true_up_while_open",
]

# Those of tools/oracle/decisions*.py.
DECISIONS = [
    "window_end_inclusive", "changes_by_arrival", "trial_end_inclusive", "rank_ignored", "grace_begins_anew",
    "version_of_snapshot", "first_begun_counts", "quantity_ignored", "generous_by_amount", "add_forgotten",
    "override_by_arrival", "override_end_inclusive", "grace_end_inclusive", "holds_by_feature", "warned_again",
    "new_window_empty", "reset_ignored", "archived_served", "cap_ignored",
    "cancel_leaves_coming", "old_zone_forgotten",
]

_on = None


def switch(name):
    """Switches one mistake on, or all off."""
    global _on
    _on = name


def is_on(name):
    assert name in NAMES or name in DECISIONS, name
    return _on == name

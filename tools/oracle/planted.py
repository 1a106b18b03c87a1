"""Mistakes that can be switched on, to see that a comparison would find them."""

NAMES = [
    "bound_exclusive", "half_even", "free_not_shared", "tax_before_discount", "change_day_inclusive",
    "anchor_from_previous", "late_without_old", "max_over_period", "carry_forgotten",
    "volume_first_tier", "overage_at_once", "remove_ignored", "window_in_utc", "order_by_arrival",
    "discount_of_whole", "true_up_while_open",
]

_on = None


def switch(name):
    """Switches one mistake on, or all off."""
    global _on
    _on = name


def is_on(name):
    assert name in NAMES, name
    return _on == name

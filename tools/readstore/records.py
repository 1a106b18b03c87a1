"""Canonical records (docs/FORMAT.md, Records): read, as JSON, and as the proof tree has them."""
import datetime

from .octets import Cursor, Malformed, varint
from .tree import sha256

KINDS = {1: "event", 2: "consume", 3: "subscribe", 4: "grant", 5: "publish",
         6: "redact", 7: "cancel", 8: "finalise", 9: "credit_note", 10: "retire",
         11: "void", 12: "hold", 13: "settle", 14: "release", 15: "extend", 16: "refund", 17: "reset",
         18: "subscription", 19: "override", 20: "pause", 21: "resume",
         22: "reconcile", 23: "account", 24: "deposit", 26: "correct", 27: "backfill"}
REASONS = ["allowed", "allowed_overage", "allowed_override", "account_unknown", "feature_unknown",
           "no_active_subscription", "subscription_past_due", "not_in_plan", "limit_reached",
           "credit_insufficient", "spend_cap_reached", "override_denied", "value_mismatch",
           "subscription_paused", "subscription_incomplete", "account_archived"]
CREDIT_DIGITS = 12
GRANT_KINDS = ["adjustment", "promotional", "plan", "purchased"]
# Bytes of hashes before what was kept of a body that was dropped, by tag.
HASHES_OF_RETIRED = {11: 32, 12: 64}
DEPTH_MAX = 80
ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
ESCAPES |= {chr(code): f"\\u{code:04x}" for code in range(32) if chr(code) not in ESCAPES}
ESCAPED = str.maketrans(ESCAPES)
EPOCH = datetime.date(1970, 1, 1).toordinal()


def quote(text):
    return f'"{text.translate(ESCAPED)}"'


def instant(nanoseconds, digits=None):
    """`YYYY-MM-DDTHH:MM:SS[.f]Z`; without a number of digits, as many as are needed."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    days, seconds = divmod(seconds, 86_400)
    fraction = f"{rest:09}"
    fraction = fraction.rstrip("0") if digits is None else fraction[:digits]
    day = datetime.date.fromordinal(EPOCH + days).isoformat()
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{day}T{clock}{'.' + fraction if fraction else ''}Z"


def decimal(mantissa, scale):
    """mantissa × 10^-scale, with exactly so many digits behind the point."""
    digits = str(abs(mantissa)).zfill(scale + 1)
    if scale:
        digits = f"{digits[:-scale]}.{digits[-scale:]}"
    return f"{'-' if mantissa < 0 else ''}{digits}"


def credits(units):
    text = decimal(units, CREDIT_DIGITS).rstrip("0").rstrip(".")
    return quote(text)


def members(cursor, depth):
    """The names and values of an object node behind its tag, as JSON."""
    found, last = [], None
    for _ in range(cursor.varint()):
        start, name = cursor.at, cursor.text()
        if last is not None and name.encode() <= last:
            raise Malformed("keys out of order", start)
        last = name.encode()
        found.append(f"{quote(name)}:{node(cursor, depth - 1)}")
    return found


def node(cursor, depth=DEPTH_MAX):
    """A node as JSON."""
    start = cursor.at
    if depth == 0:
        raise Malformed("nested too deeply", start)
    tag = cursor.u8()
    if tag <= 2:
        return ("null", "false", "true")[tag]
    if tag == 3:
        return str(cursor.zigzag(128))
    if tag == 4:
        scale, mantissa = cursor.u8(), cursor.zigzag(128)
        if scale == 0 or mantissa % 10 == 0:
            raise Malformed("a decimal that is not in its one form", start)
        return decimal(mantissa, scale)
    if tag == 5:
        return cursor.text()
    if tag == 6:
        return quote(cursor.text())
    if tag == 7:
        return f"[{','.join([node(cursor, depth - 1) for _ in range(cursor.varint())])}]"
    if tag == 8:
        return f"{{{','.join(members(cursor, depth))}}}"
    if tag == 9:
        cursor.take(16)
        return node(cursor, depth - 1)
    if tag == 10:
        return f'{{"redacted":"{cursor.take(32).hex()}"}}'
    if tag in HASHES_OF_RETIRED:
        cursor.take(HASHES_OF_RETIRED[tag])
        if cursor.data[cursor.at:cursor.at + 1] != b"\x08":
            raise Malformed("retired data that is no object", cursor.at)
        return node(cursor, depth - 1)
    raise Malformed(f"a node of tag {tag}", start)


class Record:
    """One record, taken apart. Raises `Malformed` where it is no canonical record."""

    def __init__(self, data):
        cursor = Cursor(data)
        content = Cursor(cursor.prefixed())
        if content.u8() != 1:
            raise Malformed("a record of unknown version")
        kind = content.u8()
        if kind not in KINDS:
            raise Malformed(f"a record of kind {kind}")
        self.kind = KINDS[kind]
        self.source, self.id, self.type = content.text(), content.text(), content.text()
        presence = content.u8()
        if presence > 31:
            raise Malformed("presence of a record", content.at)
        self.subject = content.text() if presence & 1 else None
        self.time, self.time_text = None, None
        style = None
        if presence & 2:
            self.time, style = content.i64(), content.u8()
        if (style == 255) != (presence & 4 != 0) or style is not None and 9 < style < 255:
            raise Malformed("style of a time", content.at)
        if presence & 4:
            self.time_text = content.text()
        elif style is not None:
            self.time_text = instant(self.time, style)
        self._head_bytes = content.at
        self._content = content.data
        self.attributes, self.data, self.retired = [], None, None
        if presence & 8:
            if content.u8() != 8:
                raise Malformed("attributes that are no object", content.at)
            self.attributes = members(content, DEPTH_MAX)
        if presence & 16:
            if content.data[content.at] in HASHES_OF_RETIRED:
                self.retired = content.data[content.at + 1:content.at + 33]
            self.data = node(content)
        content.end("a content")
        self._nodes = (presence >> 3 & 1) + (presence >> 4 & 1)
        self._outcome = cursor.rest()
        self.outcome = outcome(self._outcome)

    def json(self, position, recorded_at):
        """The line of `daybook tail --json`."""
        event = ['"specversion":"1.0"', f'"id":{quote(self.id)}', f'"source":{quote(self.source)}',
                 f'"type":{quote(self.type)}']
        if self.subject is not None:
            event.append(f'"subject":{quote(self.subject)}')
        if self.time_text is not None:
            event.append(f'"time":{quote(self.time_text)}')
        event += self.attributes
        if self.data is not None:
            event.append(f'"data":{self.data}')
        retired = '"retired":true,' if self.retired else ""
        return (f'{{"position":{position},"recorded_at":"{instant(recorded_at)}",'
                f'"kind":"{self.kind}",{retired}"event":{{{",".join(event)}}},"outcome":{self.outcome}}}')

    def commitment(self):
        """The hash that the proof tree has of the record (docs/format-proofs.md, Commitment)."""
        return self.retired or sha256(self.form())

    def form(self):
        """What of the record stays when its personal values are erased."""
        cursor = Cursor(self._content, self._head_bytes)
        form = self._content[:self._head_bytes]
        for _ in range(self._nodes):
            form += without_salt(cursor)
        return varint(len(form)) + form + self._outcome


def without_salt(cursor):
    """A node, each salted one in it replaced by what is left of it when it is erased."""
    start, tag = cursor.at, cursor.u8()
    if tag == 9:
        salt = cursor.take(16)
        return b"\x0a" + sha256(b"\x09", salt, without_salt(cursor))
    if tag == 7:
        count = cursor.varint()
        form = cursor.data[start:cursor.at]
        return form + b"".join([without_salt(cursor) for _ in range(count)])
    if tag == 8:
        count = cursor.varint()
        form = cursor.data[start:cursor.at]
        for _ in range(count):
            name = cursor.prefixed()
            form += varint(len(name)) + name + without_salt(cursor)
        return form
    cursor.at = start
    node(cursor)
    return cursor.data[start:cursor.at]


def credit_parts(cursor, flags):
    """What an outcome says of several units, of grants that an entry made, and of thresholds."""
    parts = []
    if flags & 16:
        some = [f'{{"unit":{quote(cursor.text())},"credits":{credits(cursor.zigzag(128))}}}'
                for _ in range(cursor.varint())]
        parts.append(f'"shortfalls":[{",".join(some)}]')
    if flags & 32:
        some = []
        for _ in range(cursor.varint()):
            kind, unit, units, expires = cursor.u8(), cursor.text(), cursor.zigzag(128), cursor.i64()
            end = "" if expires == 2**63 - 1 else f',"expires":{quote(instant(expires))}'
            some.append(f'{{"kind":"{GRANT_KINDS[kind]}","unit":{quote(unit)},"credits":{credits(units)}{end}}}')
        parts.append(f'"grants":[{",".join(some)}]')
    if flags & 64:
        some = [f'{{"feature":{quote(cursor.text())},"threshold":{cursor.varint()}}}' for _ in range(cursor.varint())]
        parts.append(f'"warnings":[{",".join(some)}]')
    return parts


def outcome(data):
    """An outcome as JSON."""
    cursor = Cursor(data)
    flags = cursor.u8()
    if flags > 127:
        raise Malformed("flags of an outcome")
    parts = ['"status":"recorded"']
    if flags & 1:
        allowed, reason = cursor.u8(), cursor.u8()
        if allowed > 1 or reason >= len(REASONS):
            raise Malformed("the decision of an outcome", cursor.at)
        parts.append(f'"allowed":{"true" if allowed else "false"},"reason":"{REASONS[reason]}"')
    if flags & 2:
        draws = []
        for _ in range(cursor.varint()):
            grant = cursor.varint()
            draws.append(f'{{"grant":{grant},"credits":{credits(cursor.zigzag(128))}}}')
        parts.append(f'"draws":[{",".join(draws)}]')
    if flags & 4:
        parts.append(f'"shortfall":{credits(cursor.zigzag(128))}')
    if flags & 8:
        remains = [quote(cursor.take(32).hex()) for _ in range(cursor.varint())]
        parts.append(f'"remains":[{",".join(remains)}]')
    parts += credit_parts(cursor, flags)
    cursor.end("an outcome")
    return f"{{{','.join(parts)}}}"

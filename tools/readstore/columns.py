"""Columns of a sealed segment (docs/format-columns.md): integers, texts, the dictionary, and records."""
from .octets import Cursor, Malformed, bits, varint, zigzag

WORD = (1 << 64) - 1
INTERVAL = 256
RECORD_MAX = 4096
TEXT, RAW, NUMBER, FLAG, TIME = 1, 2, 3, 4, 5


def signed(word):
    """A word of 64 bits as a number with a sign."""
    word &= WORD
    return word - (1 << 64) if word >> 63 else word


def integer_column(data, count):
    """The values of an integer column."""
    cursor = Cursor(data)
    form, base = cursor.u8(), cursor.varint()
    transform, packing = form & 15, form >> 4
    if transform > 4 or packing > 2 or packing == 0 and transform:
        raise Malformed(f"an integer column of form {form}")
    if packing == 0:
        cursor.end("an integer column")
        return [base] * count
    scale = cursor.varint()
    slope = low = 0
    entries = []
    intervals = (count + INTERVAL - 1) // INTERVAL
    if transform:
        slope, low, width = cursor.zigzag(), cursor.zigzag(), cursor.u8()
        if width > 8:
            raise Malformed("entries of more than 8 bytes", cursor.at)
        entries = [int.from_bytes(cursor.take(width), "little") for _ in range(intervals)]
    rests = fixed(cursor, count) if packing == 1 else symbols(cursor, count, intervals)
    if transform:
        rests = undo(transform, rests, slope, low, entries)
    return [base + scale * number & WORD for number in rests]


def fixed(cursor, count):
    least, width = cursor.varint(), cursor.u8()
    stream = cursor.rest()
    if width > 64 or len(stream) != (width * count + 7) // 8:
        raise Malformed("numbers of one width that are too many or too few", cursor.at)
    return [least + bits(stream, width * place, width) for place in range(count)]


def codes(lengths):
    """From the low bits of the stream to (length of the code, symbol), by RFC 1951, section 3.2.2."""
    longest = max(lengths)
    used = sum(1 for length in lengths if length)
    room = sum(1 << longest - length for length in lengths if length)
    if not 0 < longest <= 12 or room != 1 << longest and not (used == 1 and longest == 1):
        raise Malformed("lengths that make no complete code")
    table = [None] * (1 << longest)
    code = 0
    for length in range(1, longest + 1):
        for symbol, own in enumerate(lengths):
            if own != length:
                continue
            first = int(format(code, f"0{length}b")[::-1], 2)
            # A lone code is one bit of any value.
            step = 1 if used == 1 else 1 << length
            for index in range(0 if used == 1 else first, 1 << longest, step):
                table[index] = (length, symbol)
            code += 1
        code <<= 1
    return table, longest


def symbols(cursor, count, intervals):
    known = cursor.u8()
    if not 1 <= known <= 76:
        raise Malformed("a number of symbols", cursor.at)
    nibbles = cursor.take((known + 1) // 2)
    lengths = [nibbles[place // 2] >> 4 * (place & 1) & 15 for place in range(known)]
    table, longest = codes(lengths)
    ends = [cursor.u16() for _ in range(max(0, intervals - 1))]
    stream = cursor.rest()
    mask = (1 << longest) - 1
    rests, at, start = [], 0, 0
    for interval in range(intervals):
        for _ in range(min(INTERVAL, count - interval * INTERVAL)):
            window = int.from_bytes(stream[at >> 3:(at >> 3) + 11], "little") >> (at & 7)
            length, symbol = table[window & mask]
            at += length
            if symbol >= 16:
                more = symbol - 12
                symbol = (1 << more) + (window >> length & (1 << more) - 1)
                at += more
            rests.append(symbol)
        start = start + ends[interval] if interval < intervals - 1 else at
        if at != start:
            raise Malformed("an interval of another length")
    if not 0 <= 8 * len(stream) - at < 8:
        raise Malformed("bits behind a column, or too few")
    return rests


def undo(transform, rests, slope, low, entries):
    """What the rests were made of."""
    def line(place):
        return signed(slope * place) >> 16

    out = []
    for place, rest in enumerate(rests):
        interval, inner = divmod(place, INTERVAL)
        if inner == 0:
            total = start = line(place) + low + entries[interval]
        if transform == 1:
            total += rest
        elif transform == 2:
            total += zigzag(rest & WORD)
        elif transform == 3:
            total = start + line(inner) - rest
        else:
            total = start + line(inner) + rest
        out.append(total)
    return out


def uuid(high, low):
    digits = f"{high & WORD:016x}{low & WORD:016x}"
    parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    return "-".join(parts).encode()


def random_uuids(part, count):
    if len(part) != (122 * count + 7) // 8:
        raise Malformed("UUIDs that are too many or too few")
    texts = []
    for place in range(count):
        first, second = bits(part, 122 * place, 64), bits(part, 122 * place + 64, 58)
        upper = first & (1 << 60) - 1
        texts.append(uuid(upper >> 12 << 16 | 4 << 12 | upper & 0xFFF,
                          2 << 62 | second << 4 | first >> 60))
    return texts


def uuids(part, count):
    cursor = Cursor(part)
    texts = [uuid(cursor.u64(), cursor.u64()) for _ in range(count)]
    cursor.end("UUIDs")
    return texts


def numbered(part, count):
    cursor = Cursor(part)
    prefixes = []
    for _ in range(cursor.varint()):
        digits, prefix = cursor.u8(), cursor.prefixed()
        prefixes.append((digits, prefix))
        if digits > 18 or len(prefix) > 24 or len(prefixes) > 64:
            raise Malformed("prefixes of texts", cursor.at)
    which = integer_column(cursor.prefixed(), count)
    texts = []
    for choice, number in zip(which, integer_column(cursor.rest(), count)):
        if choice >= len(prefixes):
            raise Malformed("the number of a prefix")
        digits, prefix = prefixes[choice]
        texts.append(prefix + str(number >> 1).zfill(digits).encode())
    return texts


def sized(part, count):
    cursor = Cursor(part)
    lengths = integer_column(cursor.prefixed(), count)
    texts = [cursor.take(length) for length in lengths]
    cursor.end("texts")
    return texts


def hexadecimal(part, count):
    return [text.hex().encode() for text in sized(part, count)]


CLASSES = (random_uuids, uuids, numbered, hexadecimal, sized)


def text_column(data, count):
    """The texts of a text column, as bytes."""
    cursor = Cursor(data)
    classes = cursor.prefixed()
    if count == 0:
        return []
    kinds = integer_column(classes, count)
    if max(kinds) >= len(CLASSES):
        raise Malformed("the class of a text")
    found = {kind: iter(CLASSES[kind](cursor.prefixed(), kinds.count(kind)))
             for kind in sorted(set(kinds))}
    cursor.end("a text column")
    return [next(found[kind]) for kind in kinds]


class Dictionary:
    """What all blocks of a segment share."""

    def __init__(self, data):
        cursor = Cursor(data)
        self.kinds, self.texts = [], []
        for _ in range(self._count(cursor, 2048)):
            kind, form = cursor.u8(), cursor.u8()
            if not TEXT <= kind <= TIME or form > (kind in (TEXT, RAW)):
                raise Malformed("a field of unknown kind", cursor.at)
            self.kinds.append(kind)
            count = self._count(cursor, 1 << 20) if form else 0
            self.texts.append(text_column(cursor.prefixed(), count) if form else None)
        if not self.kinds or self.kinds[0] != TEXT or self.texts[0] is None:
            raise Malformed("accounts without a dictionary")
        self.shapes = [self._shape(cursor) for _ in range(self._count(cursor, 1024))]
        cursor.end("the dictionary")

    @property
    def accounts(self):
        return self.texts[0]

    @staticmethod
    def _count(cursor, most):
        count = cursor.varint()
        if count > most:
            raise Malformed("a count beyond its limit", cursor.at)
        return count

    def _shape(self, cursor):
        """The parts of a template: bytes as they are, or the number of a field."""
        template, parts = Cursor(cursor.prefixed()), []
        while template.left:
            kind = template.u8()
            if kind == 0:
                if parts and isinstance(parts[-1], bytes):
                    raise Malformed("two parts of bytes", cursor.at)
                parts.append(template.prefixed())
                continue
            field = cursor.varint()
            if field >= len(self.kinds) or self.kinds[field] != kind:
                raise Malformed("the field of a hole", cursor.at)
            parts.append(field)
        holes = [part for part in parts if isinstance(part, int)]
        if len(holes) > 512 or not holes or parts[-1] != holes[-1] or self.kinds[holes[-1]] != RAW:
            raise Malformed("a template without an outcome", cursor.at)
        return parts

    def records(self, columns, count):
        """The records of a block.

        `columns` leads from the number of a column to its bytes.
        """
        columns = dict(columns)
        if 0 not in columns:
            raise Malformed("a block without small columns")
        small = Cursor(columns.pop(0))
        while small.left:
            number = small.varint()
            columns[number] = small.prefixed()
        if 1 not in columns or max(columns) >= 3 + len(self.kinds):
            raise Malformed("a column that is missing or unknown")
        shapes = integer_column(columns[1], count)
        if max(shapes) > len(self.shapes):
            raise Malformed("the shape of a record")
        totals = {}
        for shape in shapes:
            for part in self.shapes[shape] if shape < len(self.shapes) else ():
                if isinstance(part, int):
                    totals[part] = totals.get(part, 0) + 1
        whole = shapes.count(len(self.shapes))
        if set(columns) != {1} | ({2} if whole else set()) | {3 + field for field in totals}:
            raise Malformed("a column that is missing or has no values")
        kept = iter(text_column(columns[2], whole) if whole else ())
        values = {field: iter(self._values(field, columns[3 + field], total))
                  for field, total in totals.items()}
        return [self._assemble(self.shapes[shape], values) if shape < len(self.shapes)
                else next(kept) for shape in shapes]

    def _values(self, field, data, count):
        """The bytes that stand in the records for the values of a field."""
        kind, texts = self.kinds[field], self.texts[field]
        if kind in (TEXT, RAW):
            if texts is None:
                values = text_column(data, count)
            else:
                numbers = integer_column(data, count)
                if max(numbers) >= len(texts):
                    raise Malformed("the number of a text")
                values = [texts[number] for number in numbers]
            return [varint(len(text)) + text for text in values] if kind == TEXT else values
        if kind == NUMBER:
            cursor = Cursor(data)
            scales = integer_column(cursor.prefixed(), count)
            if max(scales) > 255:
                raise Malformed("the scale of a number")
            mantissas = integer_column(cursor.rest(), count)
            return [(bytes((4, scale)) if scale else b"\3") + varint(mantissa)
                    for scale, mantissa in zip(scales, mantissas)]
        numbers = integer_column(data, count)
        if kind == TIME:
            return [zigzag(number).to_bytes(8, "little", signed=True) for number in numbers]
        if max(numbers) > 1:
            raise Malformed("a flag")
        return [bytes((1 + number,)) for number in numbers]

    @staticmethod
    def _assemble(shape, values):
        pieces = [next(values[part]) if isinstance(part, int) else part for part in shape]
        outcome, content = pieces.pop(), b"".join(pieces)
        if len(content) + len(outcome) > RECORD_MAX:
            raise Malformed("a record that is too long")
        return varint(len(content)) + content + outcome

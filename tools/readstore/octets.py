"""Words and numbers (docs/FORMAT.md): integers, varints, checksums, bits, LZ4 blocks."""
import struct

BLOCK = 4096


class Malformed(Exception):
    """Bytes that are not what they should be; `at` counts from their beginning."""

    def __init__(self, text, at=0):
        super().__init__(text)
        self.at = at


class Damage(Exception):
    """What is wrong with a store, in which file and where."""

    def __init__(self, path, offset, text, position=None):
        where = "" if position is None else f", position {position}"
        super().__init__(f"{path}: offset {offset}{where}: {text}")


def _table():
    """What is left of each 16 bits of a CRC-32C register after they were shifted out."""
    table = []
    for value in range(1 << 16):
        for _ in range(16):
            value = value >> 1 ^ 0x82F63B78 if value & 1 else value >> 1
        table.append(value)
    return table


_CRC = _table()


def crc32c(data):
    """CRC-32C of some bytes."""
    crc, table = 0xFFFFFFFF, _CRC
    even = len(data) & ~1
    for word in struct.unpack(f"<{even // 2}H", data[:even]):
        crc = crc >> 16 ^ table[(crc ^ word) & 0xFFFF]
    if even < len(data):
        crc ^= data[-1]
        for _ in range(8):
            crc = crc >> 1 ^ 0x82F63B78 if crc & 1 else crc >> 1
    return crc ^ 0xFFFFFFFF


def checksum(data):
    """The checksum as it is stored."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def unmask(stored):
    """The CRC-32C that was stored."""
    rotated = (stored - 0xA282EAD8) & 0xFFFFFFFF
    return (rotated << 15 | rotated >> 17) & 0xFFFFFFFF


def flipped_byte(data, stored):
    """The byte with the one flipped bit that explains a checksum which does not hold, or None.

    The CRC is linear: a flipped bit changes it by what is left of that bit after all later ones.
    """
    wanted = crc32c(data) ^ unmask(stored)
    trace = 1 << 7
    for _ in range(8):
        trace = trace >> 1 ^ 0x82F63B78 if trace & 1 else trace >> 1
    for distance in range(8 * len(data)):
        if trace == wanted:
            return len(data) - 1 - distance // 8
        trace = trace >> 1 ^ 0x82F63B78 if trace & 1 else trace >> 1
    return None


def is_zero(data):
    return data.count(0) == len(data)


def zigzag(raw):
    """The number that a raw zigzag stands for."""
    return raw >> 1 if raw & 1 == 0 else -(raw + 1 >> 1)


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


class Cursor:
    """Reads some bytes from front to back."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    @property
    def left(self):
        return len(self.data) - self.at

    def take(self, count):
        if count > self.left:
            raise Malformed("the bytes end too early", self.at)
        self.at += count
        return self.data[self.at - count:self.at]

    def rest(self):
        return self.take(self.left)

    def _integer(self, count, signed=False):
        return int.from_bytes(self.take(count), "little", signed=signed)

    def u8(self):
        return self._integer(1)

    def u16(self):
        return self._integer(2)

    def u32(self):
        return self._integer(4)

    def u64(self):
        return self._integer(8)

    def i64(self):
        return self._integer(8, signed=True)

    def varint(self, bits=64):
        start, value, shift = self.at, 0, 0
        while True:
            byte = self.u8()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift >= bits:
                raise Malformed("a varint that is too long", start)
        if value >> bits or byte == 0 and shift > 0:
            raise Malformed("a varint that is too large, or not in its shortest form", start)
        return value

    def zigzag(self, bits=64):
        return zigzag(self.varint(bits))

    def prefixed(self):
        return self.take(self.varint())

    def text(self):
        start, data = self.at, self.prefixed()
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise Malformed("a text that is not UTF-8", start) from None

    def end(self, what):
        if self.left:
            raise Malformed(f"bytes behind {what}", self.at)


def bits(data, at, width):
    """A number of `width` bits, whose low bit is bit `at` of the bytes."""
    start = at >> 3
    window = int.from_bytes(data[start:at + width + 7 >> 3], "little")
    return window >> (at & 7) & (1 << width) - 1


def lz4(data, count):
    """The `count` bytes that an LZ4 block stands for."""
    source, out = Cursor(data), bytearray()

    def length(nibble):
        total = nibble
        while nibble == 15:
            more = source.u8()
            total += more
            if more < 255:
                break
        return total

    while True:
        token = source.u8()
        out += source.take(length(token >> 4))
        if len(out) > count:
            raise Malformed("an LZ4 block of more bytes", source.at)
        if source.left == 0:
            break
        distance = source.u16()
        size = 4 + length(token & 15)
        if not 0 < distance <= len(out) or size > count - len(out):
            raise Malformed("an LZ4 match that leads nowhere", source.at)
        start = len(out) - distance
        if distance >= size:
            out += out[start:start + size]
        else:
            # The match runs into what it writes: what is there repeats.
            piece = out[start:]
            out += (piece * (size // distance + 1))[:size]
    if len(out) != count:
        raise Malformed("an LZ4 block of fewer bytes", source.at)
    return bytes(out)

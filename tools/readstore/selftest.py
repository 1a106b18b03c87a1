"""Known values of what the reader is made of: checksums, LZ4, varints, columns, records, hashes."""
import random
import unittest

from . import octets, tree
from .columns import Dictionary, integer_column, text_column
from .octets import Cursor, Malformed, lz4, varint
from .records import Record, credits, decimal, instant, node


class Checksums(unittest.TestCase):
    def test_crc32c_of_published_values(self):
        # RFC 3720, appendix B.4, as the numbers that its bytes are.
        self.assertEqual(octets.crc32c(b"123456789"), 0xE3069283)
        self.assertEqual(octets.crc32c(bytes(32)), 0x8A9136AA)
        self.assertEqual(octets.crc32c(b"\xff" * 32), 0x62A8AB43)
        self.assertEqual(octets.crc32c(bytes(range(32))), 0x46DD794E)
        self.assertEqual(octets.crc32c(b""), 0)

    def test_mask_and_back(self):
        for data in (b"", b"a", bytes(100)):
            self.assertEqual(octets.unmask(octets.checksum(data)), octets.crc32c(data))
        self.assertNotEqual(octets.checksum(bytes(4)), 0)

    def test_one_flipped_bit_is_found(self):
        dice = random.Random(1)
        data = bytearray(dice.randbytes(300))
        stored = octets.checksum(data)
        self.assertIsNone(octets.flipped_byte(data[:-1] + b"\0\0", stored))
        for bit in (0, 7, 1200, 2399):
            data[bit // 8] ^= 1 << bit % 8
            self.assertEqual(octets.flipped_byte(data, stored), bit // 8)
            data[bit // 8] ^= 1 << bit % 8


class LZ4(unittest.TestCase):
    # Made with liblz4 1.9.4, LZ4_compress_default.
    KNOWN = [("1f6101004b506161616161", b"a" * 100),
             ("3f6162630300021f58160001506361626358", b"abcabcabcabcabcabcabcabcX" * 2),
             ("fff1" + bytes(range(256)).hex() + "0001ffe950fbfcfdfeff", bytes(range(256)) * 3)]

    def test_known_blocks(self):
        for packed, plain in self.KNOWN:
            self.assertEqual(lz4(bytes.fromhex(packed), len(plain)), plain)

    def test_other_lengths_are_refused(self):
        for packed, plain in self.KNOWN:
            for count in (0, len(plain) - 1, len(plain) + 1):
                with self.assertRaises(Malformed):
                    lz4(bytes.fromhex(packed), count)

    def test_matches_before_the_beginning_are_refused(self):
        for packed in ("1061020000", "1061000000", "10610200", "", "1f61"):
            with self.assertRaises(Malformed):
                lz4(bytes.fromhex(packed), 100)


class Numbers(unittest.TestCase):
    def test_varints(self):
        for number in (0, 1, 127, 128, 300, 2**64 - 1):
            self.assertEqual(Cursor(varint(number)).varint(), number)
        for data in (b"\x80\x00", b"\x80", b"\xff" * 9 + b"\x02", b"\xff" * 11):
            with self.assertRaises(Malformed):
                Cursor(data).varint()
        self.assertEqual([Cursor(bytes((raw,))).zigzag() for raw in range(5)], [0, -1, 1, -2, 2])
        self.assertEqual(Cursor(varint(2**128 - 1)).zigzag(128), -2**127)

    def test_texts_of_numbers(self):
        self.assertEqual(decimal(-5, 3), "-0.005")
        self.assertEqual(decimal(12345, 2), "123.45")
        self.assertEqual(credits(2_500_000_000_000), '"2.5"')
        self.assertEqual(credits(10**13), '"10"')
        self.assertEqual(credits(0), '"0"')
        self.assertEqual(instant(0), "1970-01-01T00:00:00Z")
        self.assertEqual(instant(-1), "1969-12-31T23:59:59.999999999Z")
        self.assertEqual(instant(1_500_000_000, 3), "1970-01-01T00:00:01.500Z")


def bit_bytes(*pieces):
    """(number, width) one behind the other, low bits first."""
    total = at = 0
    for number, width in pieces:
        total |= number << at
        at += width
    return total.to_bytes((at + 7) // 8, "little")


class Columns(unittest.TestCase):
    def test_constant(self):
        self.assertEqual(integer_column(b"\x00\x07", 3), [7, 7, 7])

    def test_fixed_width(self):
        # Base 100, scale 10, least 1, three bits.
        data = b"\x10" + bytes((100, 10, 1, 3)) + bit_bytes((0, 3), (5, 3), (7, 3))
        self.assertEqual(integer_column(data, 3), [110, 160, 180])

    def test_transforms(self):
        # Slope 2^16 is 1 a place; low 5 (zigzag 10); no entries; least 0, two bits: 0, 1, 2.
        head = bytes((0, 1)) + varint(1 << 17) + bytes((10, 0, 0, 2))
        rests = bit_bytes((0, 2), (1, 2), (2, 2))
        for transform, expected in ((1, [5, 6, 8]), (2, [5, 4, 5]), (3, [5, 5, 5]), (4, [5, 7, 9])):
            self.assertEqual(integer_column(bytes((0x10 | transform,)) + head + rests, 3), expected)

    def test_symbols(self):
        # Symbols 0, 1 and 17 with codes of 1, 2 and 2 bits: 0, 10 and 11; 17 has five open bits.
        nibbles = [0] * 18
        nibbles[0], nibbles[1], nibbles[17] = 1, 2, 2
        packed = bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2]))
        data = b"\x20\x00\x01\x12" + packed + bit_bytes((0, 1), (0b01, 2), (0b11, 2), (9, 5))
        self.assertEqual(integer_column(data, 3), [0, 1, 32 + 9])

    def test_a_lone_symbol_is_one_bit(self):
        self.assertEqual(integer_column(b"\x20\x03\x02\x01\x01" + b"\x02", 4), [3, 3, 3, 3])

    def test_intervals_have_their_lengths(self):
        data = b"\x20\x00\x01\x02\x11" + (256).to_bytes(2, "little") + bytes(33)
        self.assertEqual(integer_column(data, 260), [0] * 260)
        with self.assertRaises(Malformed):
            integer_column(data.replace(b"\0\1" + bytes(33), b"\1\1" + bytes(33)), 260)

    def test_texts_of_all_classes(self):
        high, low = 0x0123456789AB4DEF, 0x8123456789ABCDEF
        upper = high & 0xFFF | high >> 16 << 12
        lower = low & (1 << 62) - 1
        random_id = bit_bytes((upper, 60), (lower & 15, 4), (lower >> 4, 58))
        other = (1).to_bytes(8, "little") + (2).to_bytes(8, "little")
        parts = [random_id, other, b"\x01\x03\x02e-\x02\x00\x00\x00\x0e", b"\x02\x00\x02\xab\xcd",
                 b"\x02\x00\x03xyz"]
        classes = b"\x10\x00\x01\x00\x03" + bit_bytes((4, 3), (3, 3), (2, 3), (1, 3), (0, 3))
        data = b"".join(varint(len(part)) + part for part in [classes, *parts])
        self.assertEqual(text_column(data, 5), [
            b"xyz", b"abcd", b"e-007", b"00000000-0000-0001-0000-000000000002",
            b"01234567-89ab-4def-8123-456789abcdef"])

    def test_nonsense_is_refused_and_nothing_else_happens(self):
        dice = random.Random(7)
        for _ in range(3000):
            data = bytes((dice.choice((0, 16, 17, 20, 32, 34)),)) + dice.randbytes(dice.randrange(40))
            for decode in (lambda: integer_column(data, 5), lambda: text_column(data, 5),
                           lambda: Dictionary(data), lambda: lz4(data, 50), lambda: Record(data)):
                try:
                    decode()
                except Malformed:
                    pass


class Records(unittest.TestCase):
    def test_nodes(self):
        for data, text in (("00", "null"), ("02", "true"), ("0305", "-3"), ("04020b", "-0.06"),
                           ("05052d31326534", "-12e4"), ("0603610a22", '"a\\n\\""'),
                           ("070203020300", "[1,0]"), ("0801016b00", '{"k":null}'),
                           ("09" + "aa" * 16 + "01", "false"),
                           ("0a" + "ff" * 32, '{"redacted":"' + "ff" * 32 + '"}')):
            self.assertEqual(node(Cursor(bytes.fromhex(data))), text)
        for data in ("0b", "040000", "04010a14", "0802016b00016100", "0601ff", "07" * 90 + "00"):
            with self.assertRaises(Malformed):
                cursor = Cursor(bytes.fromhex(data))
                node(cursor)
                cursor.end("a node")

    def test_a_salted_value_is_committed_to_by_its_hash(self):
        head = b"\x01\x01\x01s\x01i\x01t\x10"
        salt, value = bytes(range(16)), b"\x06\x01x"
        data = b"\x08\x01\x01k"
        content = head + data + b"\x09" + salt + value
        form = head + data + b"\x0a" + tree.sha256(b"\x09", salt, value)
        record = Record(varint(len(content)) + content + b"\0")
        self.assertEqual(record.form(), varint(len(form)) + form + b"\0")
        # What is left when the value is erased has the same commitment.
        self.assertEqual(Record(record.form()).commitment(), record.commitment())

    def test_what_is_retired_says_its_commitment(self):
        head = b"\x01\x01\x01s\x01i\x01t\x10"
        for tag, more in ((11, b""), (12, b"h" * 32)):
            content = head + bytes((tag,)) + b"c" * 32 + more + b"\x08\x01\x01k\x03\x02"
            record = Record(varint(len(content)) + content + b"\0")
            self.assertEqual((record.commitment(), record.data), (b"c" * 32, '{"k":1}'))
            self.assertIn('"kind":"event","retired":true,"event":', record.json(7, 0))
        with self.assertRaises(Malformed):
            node(Cursor(b"\x0b" + b"c" * 32 + b"\x03\x02"))

    def test_roots(self):
        leaves = [tree.sha256(bytes((number,))) for number in range(5)]
        pair = [tree.sha256(b"\1", leaves[0], leaves[1]), tree.sha256(b"\1", leaves[2], leaves[3])]
        four = tree.sha256(b"\1", *pair)
        self.assertEqual(tree.root([]), tree.sha256(b""))
        self.assertEqual(tree.root(leaves[:1]), leaves[0])
        self.assertEqual(tree.root(leaves), tree.sha256(b"\1", four, leaves[4]))


def run():
    """Runs all of it. - Returns: the exit code."""
    tests = unittest.defaultTestLoader.loadTestsFromModule(__import__(__name__, fromlist=["x"]))
    return 0 if unittest.TextTestRunner(verbosity=1).run(tests).wasSuccessful() else 1

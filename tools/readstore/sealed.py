"""Sealed segments (docs/FORMAT.md): the record of one, its sections, its blocks."""
import struct

from . import tree
from .columns import Dictionary, integer_column, signed
from .frames import opening, read
from .octets import BLOCK, Cursor, Damage, Malformed, checksum, is_zero, lz4

BLOCK_ENTRIES = 4096
RECORD_BYTES = 152
COLUMN_MAX = 1 << 30
COMMITS, PAYLOADS, OWN = 0xFFFF, 0xFFFE, 0xFFF0
SECTIONS = ("dictionary", "index", "postings", "accounts")


class SealedRecord:
    """What manifest and trailer say of a sealed segment."""

    def __init__(self, data):
        self.bytes = bytes(data)
        (self.id, self.first, self.next, self.chain_before, self.chain, self.time_before, self.time,
         self.commits, self.file_bytes, self.digest) = struct.unpack("<QQQ32s32sqqQQ32s", data)
        if self.next <= self.first or self.time < self.time_before \
                or not 0 < self.commits <= self.next - self.first:
            raise Malformed("the record of a sealed segment contradicts itself")


class Block:
    """An entry of the index, and the block that it leads to, with the block's columns unpacked."""

    def __init__(self, entry, data, path):
        (self.offset, self.bytes, self.count, self.first, self.earliest, self.latest, self.boundary,
         self.chain, self.root) = struct.unpack("<QIIQqqQ32s32s", entry)
        self.path = path
        head = data[self.offset:self.offset + 64]
        if len(head) < 64 or checksum(head[:60]) != int.from_bytes(head[60:], "little"):
            raise self.damage(0, "the checksum of a block's header does not hold")
        magic, columns, flags, first, count, body_bytes, offset, boundary = \
            struct.unpack_from("<4sHHQIIQQ", head)
        if magic != b"DBB1" or flags or not is_zero(head[40:56]):
            raise self.damage(0, "there is no block header of this version")
        if (first, count, 64 + body_bytes, offset, boundary) != \
                (self.first, self.count, self.bytes, self.offset, self.boundary):
            raise self.damage(0, "the block is not the one that the index names")
        self.body = data[self.offset + 64:self.offset + self.bytes]
        if checksum(self.body) != int.from_bytes(head[56:60], "little"):
            raise self.damage(64, "the checksum of a block's body does not hold")
        self._columns = columns

    @property
    def next(self):
        return self.first + self.count

    def damage(self, at, text):
        return Damage(self.path, self.offset + at, text, self.first)

    def open(self, dictionary):
        """The records of the block and the commits that have entries in it."""
        try:
            columns = self._unpack()
            if columns.get(COMMITS) is None or [n for n in columns if OWN <= n < PAYLOADS]:
                raise Malformed("the log's own columns")
            commits = self._commits(columns.pop(COMMITS), columns.pop(PAYLOADS, b""))
            return dictionary.records(columns, self.count), commits
        except Malformed as problem:
            raise self.damage(64, f"the block cannot be read: {problem}") from None

    def _unpack(self):
        columns, at = {}, 12 * self._columns
        if at > len(self.body):
            raise Malformed("a directory that is longer than the body")
        for number in range(self._columns):
            own, form, size, stored = struct.unpack_from("<HHII", self.body, 12 * number)
            if form > 1 or form == 0 and size != stored or size > COLUMN_MAX or own in columns:
                raise Malformed("the directory of columns contradicts itself")
            data = Cursor(self.body, at).take(stored)
            columns[own] = lz4(data, size) if form else data
            at += stored
        if at != len(self.body):
            raise Malformed("bytes behind the columns")
        return columns

    def _commits(self, data, payloads):
        """(first position, count, time, hash of a payload that was redacted or None) of each."""
        cursor = Cursor(data)
        number, time = cursor.varint(), cursor.i64()
        if not 0 < number <= self.count:
            raise Malformed("a number of commits")
        counts = integer_column(cursor.prefixed(), number)
        steps = integer_column(cursor.rest(), number - 1)
        redacted, cursor = {}, Cursor(payloads)
        while cursor.left:
            index = cursor.varint()
            if index >= number or redacted and index <= max(redacted):
                raise Malformed("payloads out of order")
            redacted[index] = cursor.take(32)
        commits, position = [], self.boundary
        for index, (count, step) in enumerate(zip(counts, [0, *steps])):
            time += signed(step)
            if signed(step) < 0 or count == 0:
                raise Malformed("commits that go back")
            commits.append((position, count, time, redacted.get(index)))
            position += count
        first, last = commits[0], commits[-1]
        if first[0] + first[1] <= self.first or last[0] >= self.next or position < self.next:
            raise Malformed("commits that are not the block's")
        return commits


class SealedSegment:
    """A sealed segment, with every checksum and its digest checked."""

    def __init__(self, path, record, store):
        self.path, self.record = path, record
        data = read(path)
        if len(data) != record.file_bytes:
            raise Damage(path, min(len(data), record.file_bytes),
                         f"it has {len(data)} bytes and was made with {record.file_bytes}")
        head = opening(data, path, 0, "DAYBKSEG", 1, 40)
        if head[16:32] != store or int.from_bytes(head[32:40], "little") != record.first:
            raise Damage(path, 16, "it is a segment of another store or of other positions")
        self.end = len(data) - BLOCK
        trailer = opening(data, path, self.end, "DAYBKEND", 1, 288)
        version, blocks, zero = struct.unpack_from("<HIH", trailer, 16)
        if version != 1:
            raise Damage(path, self.end + 16, f"its columns are of version {version}")
        if zero or trailer[24:24 + RECORD_BYTES] != record.bytes:
            raise Damage(path, self.end + 24, "it is not the file that the manifest lists")
        self.places = [struct.unpack_from("<QQQI", trailer, 176 + 28 * n) for n in range(4)]
        sections = [self._section(data, number) for number in range(4)]
        self.postings, self.accounts = sections[2], sections[3]
        try:
            self.dictionary = Dictionary(sections[0])
        except Malformed as problem:
            raise self.damage("dictionary", problem) from None
        self.blocks = self._blocks(data, sections[1], blocks)
        if tree.sha256(data[:self.end]) != record.digest:
            raise Damage(path, 0, "the digest of its bytes is not what the manifest says",
                         record.first)

    def damage(self, section, text):
        offset = self.places[SECTIONS.index(section)][0]
        return Damage(self.path, offset, f"its {section}: {text}", self.record.first)

    def _section(self, data, number):
        offset, stored, size, expected = self.places[number]
        name = SECTIONS[number]
        after = self.places[number + 1][0] if number < 3 else self.end
        if stored > size or offset + stored != after or offset < BLOCK:
            raise Damage(self.path, self.end + 176 + 28 * number, f"the place of its {name}")
        part = data[offset:offset + stored]
        if checksum(part) != expected:
            raise self.damage(name, "the checksum does not hold")
        if stored == size:
            return part
        try:
            return lz4(part, size)
        except Malformed as problem:
            raise self.damage(name, problem) from None

    def _blocks(self, data, index, count):
        if len(index) != 112 * count:
            raise self.damage("index", "it has another length")
        blocks, offset, position = [], BLOCK, self.record.first
        for number in range(count):
            entry = index[112 * number:112 * number + 112]
            place, size, entries, first = struct.unpack_from("<QIIQ", entry)
            room = BLOCK_ENTRIES - position % BLOCK_ENTRIES
            if (place, first) != (offset, position) or size < 64 \
                    or entries != min(room, self.record.next - position):
                raise self.damage("index", "blocks that do not follow each other")
            blocks.append(Block(entry, data, self.path))
            offset, position = offset + size, position + entries
        if offset != self.places[0][0] or position != self.record.next:
            raise self.damage("index", "blocks that do not fill the segment")
        return blocks

    def entries(self, chains):
        """(position, time, record, block) of all entries; checks the chain on the way.

        `chains` gets the chain behind each commit, by the position that follows it.
        """
        chain, pending, commits = self.record.chain_before, [], 0
        time_before = self.record.time_before
        for block in self.blocks:
            records, found = block.open(self.dictionary)
            if block.chain != chain or found[0][0] != block.first - len(pending):
                raise block.damage(0, "the index does not have its chain")
            for first, count, time, redacted in found:
                if time < time_before:
                    raise block.damage(64, "the commit time is before the previous one")
                start = max(first, block.first)
                end = min(first + count, block.next)
                for position in range(start, end):
                    record = records[position - block.first]
                    pending.append(record)
                    yield position, time, record, block
                if first + count <= block.next:
                    hashed = redacted or tree.sha256(tree.payload(pending))
                    chain = tree.link(chain, first, count, time, hashed)
                    chains[first + count] = chain
                    pending, commits, time_before = [], commits + 1, time
        if (chain, commits, len(pending), time_before) != \
                (self.record.chain, self.record.commits, 0, self.record.time):
            raise Damage(self.path, 0, "the chain over its entries is not the log's",
                         self.record.first)

    def check_accounts(self, positions, chains):
        """Compares postings and states with what the entries gave: both by the account's name."""
        names = self.dictionary.accounts
        if set(positions) != set(names) or len(set(names)) != len(names):
            raise self.damage("dictionary", "its accounts are not those of the entries")
        try:
            cursor = Cursor(self.postings)
            if cursor.varint() != len(names):
                raise Malformed("another number of accounts")
            counts = integer_column(cursor.prefixed(), len(names))
            if counts != [len(positions[name]) for name in names]:
                raise Malformed("they are not those of the entries")
            steps = iter(integer_column(cursor.rest(), sum(counts)))
        except Malformed as problem:
            raise self.damage("postings", problem) from None
        for number, name in enumerate(names):
            position, listed = self.record.first, []
            for _ in range(counts[number]):
                listed.append(position + next(steps))
                position = listed[-1] + 1
            if listed != positions[name]:
                raise self.damage("postings", "they are not those of the entries")
            state = self.accounts[44 * number:44 * number + 44]
            expected = struct.pack("<IQ", number, chains[name].count) + chains[name].head
            if state != expected[4:] + struct.pack("<I", checksum(expected)):
                raise self.damage("accounts", f"the state of account {number} is another")
        if len(self.accounts) != 44 * len(names):
            raise self.damage("accounts", "it has another length")

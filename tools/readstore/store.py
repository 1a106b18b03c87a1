"""A whole store (docs/FORMAT.md, Reading a store): superblock, manifest, sealed segments, rows."""
import fcntl
import os
import struct

from . import tree
from .frames import BLOCK, FileHeader, Walk, opening, read
from .octets import Cursor, Damage, Malformed
from .records import Record
from .sealed import RECORD_BYTES, SealedRecord, SealedSegment


class Locked(Exception):
    """A server has the store."""


class Superblock:
    """What counts of SUPER."""

    def __init__(self, path):
        data = read(path)
        if len(data) != 4 * BLOCK:
            raise Damage(path, min(len(data), 4 * BLOCK), f"it has {len(data)} bytes")
        copies, problem = [], None
        for offset in range(0, 4 * BLOCK, BLOCK):
            try:
                copies.append(opening(data, path, offset, "DAYBKSUP", 1, 120))
            except Damage as damage:
                problem = problem or damage
        agreed = [copy for copy in copies if copies.count(copy) >= 2]
        if not agreed:
            raise problem or Damage(path, 0, "no two of its four copies agree")
        block = max(agreed, key=lambda copy: copy[32:40][::-1])
        self.store = block[16:32]
        (self.manifest, self.manifest_bytes, self.floor_id, self.floor_bytes,
         self.floor_position) = struct.unpack_from("<QQQQQ", block, 40)


class Row:
    """What the manifest knows of a row segment."""

    def __init__(self, cursor):
        self.id, self.salt, self.capacity, self.first = (cursor.u64() for _ in range(4))
        self.chain = cursor.take(32)
        self.closed = None

    def close(self, cursor):
        how, valid, written, position = cursor.u8(), cursor.u64(), cursor.u64(), cursor.u64()
        chain, time = cursor.take(32), cursor.i64()
        if self.closed or not 1 <= how <= 3 or not BLOCK <= valid <= written <= self.capacity \
                or valid % BLOCK or written % BLOCK or position < self.first:
            raise Malformed("a segment is closed in an impossible way")
        self.closed = (valid, written, position, chain, time)


class Manifest:
    """What the edits of a manifest add up to."""

    def __init__(self):
        self.sealed, self.rows = [], []

    def apply(self, edit):
        cursor = Cursor(edit)
        tag = cursor.u8()
        if tag == 1:
            self._add(Row(cursor))
        elif tag == 2:
            if not self.rows or self.rows[-1].id != cursor.u64():
                raise Malformed("a segment is closed that is not the last")
            self.rows[-1].close(cursor)
        elif tag == 3:
            self._seal(SealedRecord(cursor.take(RECORD_BYTES)))
        else:
            raise Malformed(f"an edit of tag {tag}")
        cursor.end("an edit")

    def _add(self, row):
        if self.rows:
            last = self.rows[-1]
            follows = last.closed and last.id < row.id and last.closed[2:4] == (row.first, row.chain)
        else:
            follows = (row.first, row.chain) == self._end(self.sealed)
        if not follows:
            raise Malformed("a row segment does not follow what is before it")
        self.rows.append(row)

    @staticmethod
    def _end(sealed):
        return (sealed[-1].next, sealed[-1].chain) if sealed else (0, tree.ZERO)

    def _seal(self, new):
        before = [one for one in self.sealed if one.next <= new.first]
        after = [one for one in self.sealed if one.first >= new.next]
        inside = self.sealed[len(before):len(self.sealed) - len(after)]
        gone = []
        if not after and new.next > self._end(self.sealed)[0]:
            gone = [row for row in self.rows if row.closed and row.closed[2] <= new.next]
        if self._end(before) != (new.first, new.chain_before) \
                or before and before[-1].time != new.time_before \
                or any(one.id == new.id for one in self.sealed):
            raise Malformed("a sealed segment does not follow the one before")
        if after:
            ends = (after[0].first, after[0].chain_before)
        elif gone:
            ends = gone[-1].closed[2:4]
        elif inside:
            ends = self._end(inside)
        else:
            # A manifest that begins lists sealed segments first.
            ends = None if self.rows else (new.next, new.chain)
        if ends != (new.next, new.chain):
            raise Malformed("a sealed segment does not end where it must")
        self.sealed = before + [new] + after
        self.rows = self.rows[len(gone):]


class Store:
    """A store, opened: everything but the blocks of its sealed segments is checked."""

    def __init__(self, folder):
        self.folder = folder
        # The chain behind each commit, by the position that follows it, as far as `entries` has come.
        self.chains = {0: tree.ZERO}
        self._lock = self._take_lock()
        try:
            self._open()
        except Damage:
            self.close()
            raise

    def _open(self):
        self.super = Superblock(self._path("SUPER"))
        self.manifest = self._read_manifest()
        self.sealed = [SealedSegment(self._path(f"seg/S-{record.id:016x}"), record, self.super.store)
                       for record in self.manifest.sealed]
        self.rows = self._read_rows()

    def close(self):
        os.close(self._lock)

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _take_lock(self):
        lock = os.open(self._path("LOCK"), os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise Locked(f"{self.folder} is in use by another process; stop it first") from None
        return lock

    def _read_manifest(self):
        path = self._path(f"manifest/M-{self.super.manifest:016x}")
        data = read(path)
        header = FileHeader(data, path, "DAYBKMAN", 2)
        if (header.store, header.id) != (self.super.store, self.super.manifest):
            raise Damage(path, 16, "it is a manifest of another store or another name")
        walk = Walk(data, path, header, 0, is_manifest=True, floor=(self.super.manifest_bytes, 0))
        manifest = Manifest()
        for commit in walk.commits:
            for edit in commit.records:
                try:
                    manifest.apply(edit)
                except Malformed as problem:
                    raise Damage(path, commit.offset, f"an edit is wrong: {problem}") from None
        if self.super.floor_id not in [row.id for row in manifest.rows]:
            raise Damage(path, BLOCK, "it does not list the segment that the superblock promises")
        return manifest

    def _read_rows(self):
        rows = self.manifest.rows
        time = self.sealed[-1].record.time if self.sealed else 0
        walks = []
        for number, row in enumerate(rows):
            walks.append(self._read_row(row, number == len(rows) - 1, time))
            time = walks[-1].time
        if walks[-1].position < self.super.floor_position:
            raise Damage(walks[-1].path, walks[-1].end, "the superblock promises entries up to "
                         f"position {self.super.floor_position}", walks[-1].position)
        return walks

    def _read_row(self, row, is_last, time):
        path = self._path(f"wal/W-{row.id:016x}")
        data = read(path)
        header = FileHeader(data, path, "DAYBKWAL", 1)
        if (header.store, header.id, header.salt, header.capacity, header.first, header.chain) != \
                (self.super.store, row.id, row.salt, row.capacity, row.first, row.chain):
            raise Damage(path, 16, "its header is not what the manifest says")
        promised = row.id == self.super.floor_id
        walk = Walk(data, path, header, time, closed=row.closed and row.closed[:2],
                    followed=not is_last and not row.closed,
                    floor=(self.super.floor_bytes, self.super.floor_position) if promised
                    else (0, 0))
        if row.closed and row.closed[2:] != (walk.position, walk.chain, walk.time):
            raise Damage(path, walk.end, "its end is not what the manifest says", walk.position)
        return walk

    def entries(self):
        """(position, time, record, path, offset, block or None) of all entries in their order."""
        for segment in self.sealed:
            for position, time, record, block in segment.entries(self.chains):
                yield position, time, record, segment.path, block.offset, block
        for walk in self.rows:
            for commit in walk.commits:
                self.chains[commit.next] = commit.chain
                for index, record in enumerate(commit.records):
                    yield commit.first + index, commit.time, record, walk.path, commit.offset, None

    @property
    def head(self):
        """The position after the last entry, and the chain there."""
        return self.rows[-1].position, self.rows[-1].chain


def parse(data, position, path, offset):
    """The record of an entry."""
    try:
        return Record(data)
    except Malformed as problem:
        raise Damage(path, offset, f"an entry is no canonical record: {problem}", position) from None

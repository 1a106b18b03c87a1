"""Files of frames (docs/FORMAT.md): row segments and manifests, and where they end."""
import struct

from . import tree
from .octets import BLOCK, Damage, checksum, flipped_byte, is_zero

HEADER = 96
PAYLOAD_MAX = 1 << 20
FRAME_MAX = PAYLOAD_MAX + BLOCK
ENTRIES, FENCE, SEAL, EDITS = 1, 2, 3, 16


def read(path):
    """All bytes of a file that is needed."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as problem:
        raise Damage(path, 0, f"it cannot be read: {problem.strerror}") from None


def opening(data, path, offset, magic, version, used):
    """Checks a block with magic, versions, flags, zeros and a checksum."""
    block = data[offset:offset + BLOCK]
    if len(block) < BLOCK or checksum(block[:-4]) != int.from_bytes(block[-4:], "little"):
        raise Damage(path, offset, f"the checksum of its {magic} block does not hold")
    if block[:8] != magic.encode():
        raise Damage(path, offset, f"it is no {magic} block")
    own, oldest, flags = struct.unpack_from("<HHI", block, 8)
    if oldest > version or not 1 <= own <= version or flags or not is_zero(block[used:-4]):
        raise Damage(path, offset + 8, f"version {own}: it was written by a later program")
    return block


class FileHeader:
    """The first block of a file of frames."""

    def __init__(self, data, path, magic, version):
        block = opening(data, path, 0, magic, version, 120)
        self.store = block[16:32]
        self.id, self.first, self.salt = struct.unpack_from("<QQQ", block, 32)
        self.chain = block[80:112]
        self.capacity = struct.unpack_from("<Q", block, 112)[0]
        if self.capacity % BLOCK:
            raise Damage(path, 112, "an impossible capacity")
        if self.capacity != len(data):
            raise Damage(path, min(len(data), self.capacity),
                         f"it has {len(data)} bytes and was made with {self.capacity}")


class Fault(Exception):
    """Why there is no sound frame. `torn`: a write that did not finish may look like this."""

    def __init__(self, text, torn=False, kind=None):
        super().__init__(text)
        self.torn, self.kind = torn, kind


class Frame:
    """The header of a frame."""

    def __init__(self, data, offset, salt):
        head = data[offset:offset + HEADER]
        if len(head) < HEADER:
            raise Fault("the file ends inside a frame")
        # The checksum of zeros is not zero.
        if is_zero(head):
            raise Fault("zeros where a frame should be", True)
        if checksum(head[:92]) != int.from_bytes(head[92:], "little"):
            raise Fault("the checksum of a frame's header does not hold", True)
        (magic, self.kind, flags, size, own, self.offset, self.first, self.count, self.bytes,
         durable, self.time) = struct.unpack_from("<4sBBHQQQIIQq", head, 0)
        if magic != b"DBK1":
            raise Fault("a frame that does not start with DBK1", kind="magic")
        if own != salt:
            raise Fault("the frame belongs to another file", True)
        if self.kind not in (ENTRIES, FENCE, SEAL, EDITS) or flags or size != HEADER:
            raise Fault("a frame of unknown kind, flags or header")
        if self.bytes > PAYLOAD_MAX or 4 * self.count > self.bytes:
            raise Fault("a frame of impossible length")
        if durable != self.offset:
            raise Fault("a durable end that is not the frame's offset")
        self.chain = head[56:88]
        self.payload_checksum = int.from_bytes(head[88:92], "little")

    @property
    def size(self):
        return (HEADER + self.bytes + BLOCK - 1) // BLOCK * BLOCK


class Commit:
    """Entries, or edits, that were written at once."""

    def __init__(self, offset, first, time, records, chain):
        self.offset, self.first, self.time, self.records = offset, first, time, records
        # The chain behind it.
        self.chain = chain

    @property
    def next(self):
        return self.first + len(self.records)


class Walk:
    """Walks over all frames of a file.

    - closed: valid bytes and written bytes, if the manifest says them.
    - followed: another file follows this one.
    - floor: bytes, and position, that the superblock promises of it.
    """

    def __init__(self, data, path, header, time, is_manifest=False, closed=None, followed=False,
                 floor=(0, 0)):
        self.data, self.path, self.header, self.is_manifest = data, path, header, is_manifest
        self.closed, self.followed, self.floor = closed, followed, floor
        self.end, self.position, self.chain, self.time = BLOCK, header.first, header.chain, time
        self.sealed, self.commits, self.frames, self.torn = False, [], 0, False
        stop = closed[0] if closed else header.capacity
        fault = Fault("zeros where a frame should be", True)
        try:
            while self.end < stop and not self.sealed:
                self._frame()
        except Fault as found:
            fault = found
        self._decide(fault)

    def _frame(self):
        frame = Frame(self.data, self.end, self.header.salt)
        allowed = (EDITS,) if self.is_manifest else (ENTRIES, FENCE, SEAL)
        if frame.offset != self.end or frame.offset + frame.size > self.header.capacity:
            raise Fault(f"the frame was written for offset {frame.offset}, or is too long")
        if frame.kind not in allowed or (frame.count > 0) != (frame.kind in (ENTRIES, EDITS)) \
                or frame.count == 0 and frame.bytes:
            raise Fault("a frame of this kind cannot stand here")
        if frame.first != self.position:
            raise Fault(f"the first position is {frame.first}, expected was {self.position}")
        if frame.chain != self.chain:
            raise Fault("the frame follows another chain")
        if frame.time < self.time:
            raise Fault("the commit time is before the previous one")
        start = self.end + HEADER
        payload = self.data[start:start + frame.bytes]
        if checksum(payload) != frame.payload_checksum:
            raise Fault("the checksum of a payload does not hold", True)
        if not is_zero(self.data[start + frame.bytes:self.end + frame.size]):
            raise Fault("padding that is not zero")
        if frame.count:
            self._commit(frame, payload)
        self.frames += 1
        self.sealed = frame.kind == SEAL
        self.position += frame.count
        self.time = frame.time
        self.end += frame.size

    def _commit(self, frame, payload):
        directory = len(payload) - 4 * frame.count
        ends = struct.unpack_from(f"<{frame.count}I", payload, directory)
        if list(ends) != sorted(ends) or ends[-1] != directory:
            raise Fault("a directory that contradicts itself")
        starts = (0, *ends[:-1])
        records = [payload[start:end] for start, end in zip(starts, ends)]
        self.chain = tree.link(self.chain, frame.first, frame.count, frame.time,
                               tree.sha256(payload))
        self.commits.append(Commit(frame.offset, frame.first, frame.time, records, self.chain))

    def _decide(self, fault):
        """What the end is: the table of docs/FORMAT.md, Reading a store."""
        if self.closed and self.end == self.closed[0]:
            rest = self.data[self.closed[1]:]
            if not is_zero(rest):
                place = self.closed[1] + len(rest) - len(rest.lstrip(b"\0"))
                raise self._damage(place, "a byte behind the end of the file's frames")
            return
        rest = self.data[self.end:]
        zero = is_zero(rest)
        if self.closed:
            why = "the manifest says that the file is longer"
        elif self.followed:
            why = "another file follows it"
        elif self.end < self.floor[0] or self.position < self.floor[1]:
            why = "the superblock promises more"
        elif not fault.torn:
            why = "its checksums hold, so it was written like this or moved here"
        elif self.sealed and not zero:
            why = "nothing is ever written behind a seal"
        else:
            bit, reach = self._bad_frame()
            if bit is not None:
                why = f"one flipped bit in byte {bit} explains it"
            elif self._later_frame():
                why = "a later frame proves that it was whole once"
            elif self.end + len(rest.rstrip(b"\0")) > reach:
                why = "there are bytes further away than one write reaches"
            else:
                self.torn = not zero
                return
        raise self._damage(self.end, f"{fault}; {why}")

    def _damage(self, offset, text):
        position = None if self.is_manifest else self.position
        return Damage(self.path, offset, text, position)

    def _bad_frame(self):
        """The byte of the one flipped bit at the end, if there is one, and how far the write reached."""
        farthest = self.end + FRAME_MAX
        head = self.data[self.end:self.end + HEADER]
        if len(head) < HEADER or is_zero(head):
            return None, farthest
        try:
            frame = Frame(self.data, self.end, self.header.salt)
        except Fault:
            stored = int.from_bytes(head[92:], "little")
            if bin(checksum(head[:92]) ^ stored).count("1") == 1:
                return self.end + 92, farthest
            bit = flipped_byte(head[:92], stored)
            return None if bit is None else self.end + bit, farthest
        start = self.end + HEADER
        bit = flipped_byte(self.data[start:start + frame.bytes], frame.payload_checksum)
        return None if bit is None else start + bit, self.end + frame.size

    def _later_frame(self):
        for offset in range(self.end + BLOCK, len(self.data), BLOCK):
            try:
                Frame(self.data, offset, self.header.salt)
                return True
            except Fault as fault:
                if not fault.torn and fault.kind != "magic":
                    return True
        return False

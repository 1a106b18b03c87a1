"""Hashes over commits and entries: the chain (docs/FORMAT.md), the proof tree (docs/format-proofs.md)."""
import hashlib
import struct

ZERO = bytes(32)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def link(chain, first, count, time, payload_hash):
    """The chain behind a commit."""
    return sha256(b"\2", chain, struct.pack("<QIq", first, count, time), payload_hash)


def payload(records):
    """The payload of a commit: its records and their directory."""
    ends, end = [], 0
    for record in records:
        end += len(record)
        ends.append(end)
    return b"".join(records) + struct.pack(f"<{len(ends)}I", *ends)


def leaf(position, time, commitment):
    return sha256(b"\0", struct.pack(">Qq", position, time), commitment)


def root(leaves):
    """The root of a tree: on the left the largest power of two below the number of its leaves."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"")
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1", root(leaves[:left]), root(leaves[left:]))


class EntryChain:
    """The chain over some of the log's leaves."""

    def __init__(self):
        self.count, self.head = 0, ZERO

    def append(self, leaf_hash):
        self.count += 1
        self.head = sha256(b"\3", self.head, leaf_hash)


def accounts_root(chains):
    """The root of the accounts map; `chains` leads from names to `EntryChain`s."""
    rows = sorted((sha256(name), chain) for name, chain in chains.items())
    return root([sha256(b"\0", key, struct.pack(">Q", chain.count), chain.head)
                 for key, chain in rows])

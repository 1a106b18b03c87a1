"""What sealed segments and checkpoints say of the entries, computed anew (docs/format-proofs.md)."""
import base64
import os
import re

from . import tree
from .frames import read
from .octets import Damage


class Checkpoint:
    """What a checkpoint says. Its signature is not checked here: it says who, not what."""

    def __init__(self, path, size):
        self.path, self.size = path, size
        lines = read(path).decode(errors="replace").split("\n")
        try:
            origin, count, self.root, chain, catalogs, accounts = lines[:6]
            self.root = base64.b64decode(self.root, validate=True)
            self.chain = bytes.fromhex(chain.removeprefix("chain "))
            self.catalogs = self._pair(catalogs, "catalogs")
            self.accounts = self._pair(accounts, "accounts")
            if int(count) != size or lines[6] != "" or not origin.startswith("daybook/"):
                raise ValueError
        except (ValueError, IndexError):
            raise Damage(path, 0, "it is no checkpoint of this form") from None

    @staticmethod
    def _pair(line, word):
        name, count, hashed = line.split(" ")
        if name != word:
            raise ValueError
        return int(count), base64.b64decode(hashed, validate=True)


class Verification:
    """Computes roots, times, postings and chains from the entries, and compares."""

    def __init__(self, store):
        self._store = store
        self._left = list(store.sealed)
        self._checkpoints = self._find_checkpoints(store.folder)
        self._accounts, self._catalogs = {}, tree.EntryChain()
        self._positions = {}
        # Of the block at hand; of the whole log, where a checkpoint asks for it.
        self._leaves, self._times, self._all = [], [], []

    @staticmethod
    def _find_checkpoints(folder):
        folder = os.path.join(folder, "checkpoints")
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        return [Checkpoint(os.path.join(folder, name), int(name[2:]))
                for name in names if re.fullmatch(r"C-\d{20}", name)]

    def add(self, position, time, data, record, block):
        """The next entry. `record` is None where the bytes are no canonical record."""
        self._check_due(position)
        leaf = tree.leaf(position, time, record.commitment() if record else tree.sha256(data))
        if self._checkpoints:
            self._all.append(leaf)
        if record and record.subject is not None:
            name = record.subject.encode()
            self._accounts.setdefault(name, tree.EntryChain()).append(leaf)
            self._positions.setdefault(name, []).append(position)
        if record and record.kind in ("publish", "backfill"):
            self._catalogs.append(leaf)
        if block is None:
            return
        self._leaves.append(leaf)
        if record and record.time is not None:
            self._times.append(record.time)
        if position + 1 == block.next:
            self._end_block(block)

    def finish(self, size):
        """After the last entry."""
        self._check_due(size)
        if self._checkpoints:
            left = self._checkpoints[0]
            raise Damage(left.path, 0, f"it is of {left.size} entries, the log has {size}")

    def _end_block(self, block):
        if tree.root(self._leaves) != block.root:
            raise block.damage(0, "the index does not have its root")
        times = (min(self._times), max(self._times)) if self._times else (2**63 - 1, -2**63)
        if times != (block.earliest, block.latest):
            raise block.damage(0, "the index does not have its times")
        self._leaves, self._times = [], []
        segment = self._left[0]
        if block.next == segment.record.next:
            segment.check_accounts(self._positions, self._accounts)
            self._positions = {}
            self._left.pop(0)

    def _check_due(self, size):
        """Compares the checkpoint of so many entries, if there is one."""
        if not self._checkpoints or self._checkpoints[0].size != size:
            return
        point = self._checkpoints.pop(0)
        expected = {
            "root": (point.root, tree.root(self._all)),
            "chain": (point.chain, self._store.chains.get(size)),
            "catalogs": (point.catalogs, (self._catalogs.count, self._catalogs.head)),
            "accounts": (point.accounts,
                         (len(self._accounts), tree.accounts_root(self._accounts))),
        }
        for name, (said, computed) in expected.items():
            if said != computed:
                raise Damage(point.path, 0, f"its {name} is not that of the entries", size)

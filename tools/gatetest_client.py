"""The clients of the gate test: a few processes of sixteen connections that press against the same bounds.

Of each process's connections, half stream consumes and grants, the other half send everything and wait
for each reply, a window of lines at a time. When a server is killed, each connection sends what it has no
answer to once more, under the same ids. First answers go into the process's journal, which the judge
compares with the log; an id that is sent again must get its first answer, which is seen at once.
"""
import collections
import json
import multiprocessing
import random
import selectors
import socket
import sys
import time
import traceback

from gatetest_judge import FACTS, NUMBERS, condensed, content
from gatetest_model import Failure, check, units

PROCESSES, CONNECTIONS = 4, 16
WINDOW = 64
HOT, COLD = 8, 200
# A hot account's limit is fought over and then exhausted: after so many lines of a process come fresh accounts.
GENERATION = 8_000
SILENCE_MAX = 120
COUNTED = ["consumes", "allowed", "denied", "holds", "settlements", "grants", "refunds", "checks", "refused",
           "duplicates", "sent again", "reconnected"]
QUANTITIES = ["1", "2", "3", "4", "5", "1", "2", "3", "4", "5", "0.5", "2.25", "1.123456789012", "4.999999999999"]
FEATURES = ["calls"] * 7 + ["batch"] * 2 + ["messages"] * 2 + ["tokens"] * 5 + ["images"] * 4
# What may be refused: another client was faster, or the time is over.
REFUSALS = {"settle": ["hold_not_open"], "release": ["hold_not_open"], "refund": ["bad_request"],
            "grant": ["bad_request"]}
encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class Request:
    __slots__ = ("number", "kind", "account", "data", "effective", "line", "answer")

    def __init__(self, number, kind, account, data, line, effective=None):
        self.number, self.kind, self.account, self.data = number, kind, account, data
        self.line, self.effective, self.answer = line, effective, None


class Shared:
    """What the connections of a process have in common: open holds, entries to refund, the journal."""

    def __init__(self, journal, counts, features, left):
        self.journal, self.counts = journal, counts
        self.features = features
        # Consumes still to be made, and lines made: one count for all, so that no connection runs ahead of the fight.
        self.left, self.made = left, 0
        self.holds = collections.deque(maxlen=256)
        self.paid = collections.deque(maxlen=64)

    def count(self, name, number=1):
        self.counts[COUNTED.index(name)] += number


class Connection:
    """One client: what it sends is fixed by its dice and by the answers it gets."""

    def __init__(self, number, path, shared, seed):
        self.number, self.path, self.shared = number, path, shared
        self.streams = number % 2 == 1
        self.dice = random.Random(f"{seed}/{number}")
        self.sent = 0
        self.waiting = collections.deque()     # in the order in which they were sent
        self.known = collections.deque(maxlen=64)
        self.socket, self.unread = None, b""

    @property
    def done(self):
        return self.shared.left <= 0 and not self.waiting

    # The line

    def open(self):
        """Connects, and sends again what has no answer. False: nobody listens yet."""
        try:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.settimeout(SILENCE_MAX)
            self.socket.connect(self.path)
            # Of what was answered before and sent again, nothing is owed.
            owed = [one for one in self.waiting if one.answer is None and one.kind != "check"]
            self.waiting = collections.deque(owed)
            self.unread, self.line, self.told, self.again = b"", 0, {}, 0
            start = b'{"request":"stream","id":"s","ack_every":32}\n' if self.streams else b""
            self.socket.sendall(start + b"".join(one.line for one in self.waiting))
        except OSError:
            self.close()
            return False
        self.shared.count("sent again", len(self.waiting))
        return True

    def close(self):
        self.socket.close()
        self.socket = None

    def fill(self):
        """Sends until the window is full, once half of it is answered."""
        if len(self.waiting) > WINDOW // 2 or self.shared.left <= 0:
            return
        lines = []
        while len(self.waiting) < WINDOW and self.shared.left > 0:
            request = self.next()
            self.waiting.append(request)
            lines.append(request.line)
        self.socket.sendall(b"".join(lines))

    def read(self):
        """Takes in what has come. False: the connection is over."""
        data = self.socket.recv(1 << 18)
        if not data:
            return False
        lines = (self.unread + data).split(b"\n")
        self.unread = lines.pop()
        take = self.take_streamed if self.streams else self.take
        for line in lines:
            take(json.loads(line))
        return True

    # What it asks for

    def account(self):
        if self.dice.random() < 0.15:
            return f"cold-{self.dice.randrange(COLD)}"
        return f"hot-{self.shared.made // GENERATION}-{self.dice.randrange(HOT)}"

    def make(self, kind, account, data, effective=None):
        number = self.sent
        self.sent += 1
        self.shared.made += 1
        line = {"request": kind, "id": str(number), "source": f"c{self.number}", "account": account, **data}
        if effective:
            line["effective"] = effective
        return Request(number, kind, account, data, encode(line).encode() + b"\n", effective)

    def next(self):
        chance = self.dice.random()
        if chance < 0.02 and self.known:
            return self.dice.choice(self.known)
        if chance < 0.055:
            return self.grant()
        if not self.streams:
            if chance < 0.21:
                return self.make("hold", self.account(), {
                    "feature": self.dice.choice(self.shared.features), "quantity": self.dice.choice(QUANTITIES),
                    "seconds": self.dice.randint(1, 3)})
            if chance < 0.36 and self.shared.holds:
                return self.end_hold()
            if chance < 0.39:
                return self.check()
            if chance < 0.405 and self.shared.paid:
                return self.refund()
        self.shared.left -= 1
        return self.make("consume", self.account(), {
            "feature": self.dice.choice(self.shared.features), "quantity": self.dice.choice(QUANTITIES)})

    def grant(self):
        """Small, most of them over within seconds, some not usable yet, some to be used first or last."""
        coins = self.dice.random() < 0.5
        amounts = ["0.5", "1", "2.000000000001"] if coins else ["7.5", "20", "33.333333333333"]
        data = {"unit": "coins" if coins else "gems", "amount": self.dice.choice(amounts)}
        effective, now = None, time.time()
        if self.dice.random() < 0.6:
            data["expires"] = moment(now + self.dice.uniform(1.5, 5))
        if self.dice.random() < 0.2:
            effective = moment(now + self.dice.uniform(-1, 1.2))
        if self.dice.random() < 0.3:
            data["priority"] = self.dice.choice([-1, 1, 2])
        return self.make("grant", self.account(), data, effective)

    def end_hold(self):
        """Settles or releases a hold of this process, now and then one that another connection ends too."""
        account, name, quantity = hold = self.shared.holds.popleft()
        if self.dice.random() < 0.05:
            self.shared.holds.append(hold)
        how = self.dice.random()
        if how < 0.3:
            return self.make("release", account, {"hold": name})
        used = quantity if how < 0.5 else str(self.dice.choice([0, 1, 2, 3, 4, 6, 9])) + self.dice.choice(["", ".5"])
        return self.make("settle", account, {"hold": name, "quantity": used})

    def check(self):
        account, feature = self.account(), self.dice.choice(self.shared.features)
        line = {"request": "check", "id": "check", "account": account, "feature": feature, "quantity": "1"}
        return Request(-1, "check", account, line, encode(line).encode() + b"\n")

    def refund(self):
        position, account, unit, credits = self.dice.choice(self.shared.paid)
        data = {"entry": position, "unit": unit}
        if self.dice.random() < 0.6:
            data["credits"] = self.dice.choice(["0.01", "1.25", "0.000000000001", credits])
        return self.make("refund", account, data)

    # What it is answered

    def take(self, reply):
        check(self.waiting, lambda: f"nothing was asked, and {reply} came")
        request = self.waiting.popleft()
        if request.kind == "check":
            return self.take_check(request, reply)
        check(reply.get("id") == str(request.number), lambda: f"{request.line} was answered {reply}")
        if reply.get("error") == "overloaded":
            self.waiting.append(request)
            return self.socket.sendall(request.line)
        self.settle(request, reply)

    def take_check(self, request, reply):
        hard = request.data["feature"] in ("calls", "batch", "images")
        check(reply.get("ok") is True, lambda: f"{request.line} was answered {reply}")
        check(not hard or not reply["allowed"] or units(reply["used"]) <= units(reply["limit"]),
              lambda: f"{request.line} was answered {reply}")
        self.shared.count("checks")

    def settle(self, request, reply):
        """A first answer is written down; a later one must be the same."""
        outcome = reply.get("outcome")
        if outcome == "rejected":
            check(reply["error"] in REFUSALS.get(request.kind, ()), lambda: f"{request.line} was answered {reply}")
            self.shared.count("refused")
            return self.note(request, "refused", "|" * (len(FACTS) - 1))
        check(outcome in ("recorded", "duplicate"), lambda: f"{request.line} was answered {reply}")
        facts = condensed(reply, FACTS)
        if not self.streams:
            self.shared.count("duplicates", outcome == "duplicate")
        if request.answer is not None:
            same = outcome == "duplicate" and request.answer == facts
            return check(same, lambda: f"{request.line} was answered {request.answer}, and again {reply}")
        self.note(request, outcome, facts, condensed(reply, NUMBERS))
        request.answer = facts
        self.known.append(request)
        self.remember(request, reply)

    def remember(self, request, reply):
        if request.kind == "hold" and reply["allowed"]:
            self.shared.holds.append((request.account, reply["hold"], request.data["quantity"]))
        elif "credits" in reply and request.kind in ("consume", "settle") and self.dice.random() < 0.1:
            feature = request.data.get("feature") or request.data["hold"].split("/")[0]
            unit = "coins" if feature == "tokens" else "gems"
            self.shared.paid.append((reply["position"], request.account, unit, reply["credits"]))

    def note(self, request, status, facts, numbers="|||"):
        entry = request.data["entry"] if request.kind == "refund" else -1
        sent = content(request.kind, request.account, request.data, request.effective)
        self.shared.journal.write(f"{self.number} {request.number} {sent} {status} {facts} {numbers} {entry}\n")
        count, kind = self.shared.count, request.kind
        if status != "refused":
            count({"hold": "holds", "settle": "settlements", "release": "settlements"}.get(kind, kind + "s"))
        if kind == "consume":
            count("allowed" if status == "stream" or facts.split("|")[1] == "True" else "denied")

    def take_streamed(self, reply):
        if "line" in reply:
            self.told[reply["line"]] = reply
            return
        if "acked_lines" not in reply:
            check(reply.get("ok") is True, lambda: f"the stream was answered {reply}")
            return
        while self.line < reply["acked_lines"]:
            self.line += 1
            request, told = self.waiting.popleft(), self.told.pop(self.line, None)
            if told and told.get("error") == "overloaded":
                self.waiting.append(request)
                self.socket.sendall(request.line)
            elif told:
                self.settle(request, told)
            elif request.answer is None:
                self.note(request, "stream", "|" * (len(FACTS) - 1))
                request.answer = "stream"
                self.known.append(request)
            else:
                check(request.answer == "stream",
                      lambda: f"{request.line} was answered {request.answer}, then as allowed")
        counted = reply["recorded"] + reply["duplicate"] + reply["rejected"]
        check(counted == reply["acked_lines"] == self.line, lambda: f"a stream's count is wrong: {reply}")
        self.shared.count("duplicates", max(reply["duplicate"] - self.again, 0))
        self.again = reply["duplicate"]


def moment(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1000):03}Z"


def work(connections, shared, counts):
    """Keeps all connections busy until each has sent its share and is answered."""
    selector, heard = selectors.DefaultSelector(), time.monotonic()
    while not all(one.done for one in connections):
        for one in connections:
            if one.socket is None and not one.done and one.open():
                selector.register(one.socket, selectors.EVENT_READ, one)
                shared.count("reconnected", one.sent > 0)
        ready = selector.select(0.02)
        heard = time.monotonic() if ready else heard
        check(time.monotonic() - heard < SILENCE_MAX, f"no server spoke for {SILENCE_MAX} s")
        for one in [key.data for key, _ in ready] if ready else connections:
            try:
                if one.socket and (not ready or one.read()):
                    one.fill()
                    continue
            except OSError:
                pass
            if one.socket:
                selector.unregister(one.socket)
                one.close()
        if not ready and not selector.get_map():
            time.sleep(0.005)


class Process:
    """Sixteen connections in a process of their own."""

    def __init__(self, number, path, folder, options):
        self.counts = multiprocessing.RawArray("q", len(COUNTED))
        self.journal = folder / f"{number}.journal"
        self.pipe, theirs = multiprocessing.Pipe(duplex=False)
        self.process = multiprocessing.Process(
            target=self.body, args=(theirs, number, str(path), options), daemon=True)
        self.process.start()
        theirs.close()

    def body(self, pipe, number, path, options):
        problem = None
        try:
            features = [name for name in FEATURES if name != "batch" or not options.one_feature]
            share = options.consumes // PROCESSES + (number < options.consumes % PROCESSES)
            with open(self.journal, "w") as journal:
                shared = Shared(journal, self.counts, features, share)
                connections = [Connection(index, path, shared, options.seed)
                               for index in range(number * CONNECTIONS, (number + 1) * CONNECTIONS)]
                work(connections, shared, self.counts)
        except Failure as failure:
            problem = str(failure)
        except Exception:
            problem = traceback.format_exc()
        pipe.send(problem)
        sys.exit(0)

    def look(self):
        """Whether it is done; what a client complained of is raised."""
        if not self.pipe.poll():
            check(self.process.is_alive(), "a client process ended without a word")
            return False
        try:
            problem = self.pipe.recv()
        except EOFError:
            problem = "a client process ended without a word"
        check(problem is None, problem)
        return True

"""The clients of the kill test: they write, remember what they sent and what was acknowledged.

A client writes what it is about to send into its file and flushes that to disk before it sends, and
does the same with each acknowledgement before it goes on. Its files are all the oracle knows.
"""
import collections
import hashlib
import json
import multiprocessing
import os
import random
import select
import socket

ACCOUNTS = [f"acct-{number}" for number in range(40)]
FRESH_WINDOW_MAX = 32
STREAM_BURST_MAX = 300
STREAM_IN_FLIGHT_MAX = 1_000


class Failure(Exception):
    """Something the engine promised did not hold."""


def ask(path, request):
    """One request on a connection of its own; the reply as a dictionary."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(120)
        connection.connect(str(path))
        connection.sendall(json.dumps(request).encode() + b"\n")
        with connection.makefile("rb") as replies:
            line = replies.readline()
    return json.loads(line) if line else {"ok": False, "error": "the connection was closed"}


def content(request):
    """A digest of what must come back from the log for this line."""
    kind = request.get("request", "event")
    if kind == "event":
        facts = [kind, request["type"], request["subject"], request["data"]]
    elif kind == "consume":
        facts = [kind, request["account"], request["feature"], str(request["quantity"])]
    else:
        facts = [kind, request.get("account")]
    return hashlib.sha1(json.dumps(facts, sort_keys=True).encode()).digest()


def content_of_entry(entry):
    """The same digest, taken from a line of `daybook tail --json`."""
    kind, event = entry["kind"], entry["event"]
    if kind == "event":
        facts = [kind, event["type"], event["subject"], event["data"]]
    elif kind == "consume":
        data = event["data"]
        facts = [kind, event["subject"], data["feature"], str(data["quantity"])]
    else:
        facts = [kind, event.get("subject")]
    return hashlib.sha1(json.dumps(facts, sort_keys=True).encode()).digest()


class Journal:
    """An append-only file whose lines are on disk when `write` returns."""

    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, lines):
        if lines:
            os.write(self.file, b"".join(lines))
            os.fdatasync(self.file)


class Writer:
    """One client: odd ones stream, even ones wait for the reply to each line."""

    def __init__(self, number, path, folder, seed):
        self.number, self.path = number, path
        self.source = f"client-{number}"
        self.dice = random.Random(seed)
        self.sent = Journal(folder / f"{number}.sent")
        self.acked = Journal(folder / f"{number}.acked")
        self.count = 0
        self.unknown = collections.OrderedDict()
        self.known = []
        self.situations = collections.Counter()

    def fresh(self):
        """A new event, or now and then a consume; nothing like it was sent before."""
        self.count += 1
        account = self.dice.choice(ACCOUNTS)
        identity = f"{self.count}-{self.dice.getrandbits(48):012x}"
        if self.dice.random() < 0.15:
            return {"request": "consume", "id": identity, "source": self.source, "account": account,
                    "feature": self.dice.choice(["calls", "tokens"]),
                    "quantity": self.dice.randint(1, 3)}
        return {"specversion": "1.0", "id": identity, "source": self.source, "type": "work.done",
                "subject": account, "data": {"n": self.dice.randint(1, 1000),
                                             "text": "x" * self.dice.randint(0, 300), "é\n": [None, 0.5]}}

    def batch(self, size, flying=frozenset()):
        """What an earlier connection left unanswered, then fresh lines, now and then a known one.

        `flying` names what this connection has sent already and need not be sent again.
        """
        retries = [request for identity, request in self.unknown.items() if identity not in flying][:size]
        fresh = [self.fresh() for _ in range(size - len(retries))]
        self.sent.write([encode(request) for request in fresh])
        for request in fresh:
            self.unknown[request["id"]] = request
        batch = retries + fresh
        if self.known and self.dice.random() < 0.2:
            batch.append(self.dice.choice(self.known))
        return batch

    def settle(self, replies):
        """Writes acknowledgements down: pairs of the request and its reply (None: by a stream's count)."""
        lines = []
        for request, reply in replies:
            position = reply.get("position") if reply else None
            allowed = reply.get("allowed") if reply else None
            lines.append(encode({"source": self.source, "id": request["id"], "position": position,
                                 "allowed": allowed}))
            self.unknown.pop(request["id"], None)
            if len(self.known) < 500:
                self.known.append(request)
            else:
                self.known[self.dice.randrange(500)] = request
        self.acked.write(lines)

    def run(self):
        """Writes until the connection breaks, which is how a killed server shows."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(60)
                connection.connect(str(self.path))
                if self.number % 2:
                    self.stream(connection)
                else:
                    self.line_by_line(connection)
        except OSError as problem:
            if isinstance(problem, TimeoutError):
                raise

    def line_by_line(self, connection):
        replies = connection.makefile("rb")
        while True:
            batch = self.batch(self.dice.randint(1, FRESH_WINDOW_MAX))
            conflict = self.conflict() if self.known and self.dice.random() < 0.05 else None
            lines = batch + ([conflict] if conflict else [])
            connection.sendall(b"".join(encode(request) for request in lines))
            settled = []
            try:
                for request in lines:
                    line = replies.readline()
                    if not line.endswith(b"\n"):
                        return
                    self.take_reply(request, json.loads(line), request is conflict, settled)
            finally:
                self.settle(settled)

    def conflict(self):
        """A known identity with other content: it must be refused and must not be written."""
        request = dict(self.dice.choice(self.known))
        if "request" in request:
            return dict(request, quantity=request["quantity"] + 100)
        return dict(request, data={"n": 5, "other": True})

    def take_reply(self, request, reply, is_conflict, settled):
        if reply.get("id") != request["id"]:
            raise Failure(f"the reply to {request['id']} is {reply}")
        if is_conflict:
            if reply.get("error") != "conflict":
                raise Failure(f"other content for {request['id']} was answered {reply}")
            self.situations["conflict refused"] += 1
        elif reply.get("outcome") in ("recorded", "duplicate"):
            self.situations["line mode acknowledgement"] += 1
            self.situations["duplicate answered"] += reply["outcome"] == "duplicate"
            settled.append((request, reply))
        elif reply.get("error") not in ("overloaded", "draining", "storage_failed"):
            raise Failure(f"{request} was answered {reply}")

    def stream(self, connection):
        connection.sendall(encode({"request": "stream", "id": "s", "ack_every": self.dice.choice([1, 50])}))
        unread = b""
        flight = collections.deque()
        exceptions = {}
        first = 1
        while True:
            if len(flight) < STREAM_IN_FLIGHT_MAX - STREAM_BURST_MAX:
                flying = {request["id"] for request in flight}
                batch = self.batch(self.dice.randint(1, STREAM_BURST_MAX), flying)
                flight.extend(batch)
                connection.sendall(b"".join(encode(request) for request in batch))
            while select.select([connection], [], [], 0 if len(flight) < 400 else 60)[0]:
                data = connection.recv(1 << 16)
                if not data:
                    return
                lines = (unread + data).split(b"\n")
                unread = lines.pop()
                for line in lines:
                    first = self.take_stream_line(json.loads(line), flight, exceptions, first)
                if len(flight) < 400:
                    break

    def take_stream_line(self, reply, flight, exceptions, first):
        if "line" in reply:
            exceptions[reply["line"]] = reply
            return first
        if "acked_lines" not in reply:
            if reply.get("ok") is not True:
                raise Failure(f"the stream was answered {reply}")
            return first
        settled = []
        while first <= reply["acked_lines"]:
            request, exception = flight.popleft(), exceptions.pop(first, None)
            first += 1
            if exception is None or exception.get("outcome") in ("recorded", "duplicate"):
                settled.append((request, exception))
            elif exception.get("error") not in ("overloaded", "draining", "storage_failed"):
                raise Failure(f"{request} was answered {exception}")
        self.situations["stream mode acknowledgement"] += len(settled)
        self.settle(settled)
        return first


def encode(value):
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


class Process:
    """A writer in a process of its own, which works whenever it is told to go."""

    def __init__(self, number, path, folder, seed):
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(
            target=Process.body, args=(theirs, number, path, folder, seed), daemon=True)
        self.process.start()
        self.number = number

    @staticmethod
    def body(pipe, number, path, folder, seed):
        writer = Writer(number, path, folder, seed)
        while pipe.recv() == "go":
            problem = None
            try:
                writer.run()
            except Exception as failure:
                problem = f"{type(failure).__name__}: {failure}"
            pipe.send(problem)
        pipe.send(writer.situations)

    def go(self):
        self.pipe.send("go")

    def wait(self):
        problem = self.pipe.recv()
        if problem:
            raise Failure(f"client {self.number}: {problem}")

    def end(self, situations):
        """Stops the process and adds what it met to the count."""
        try:
            self.pipe.send("end")
            while self.pipe.poll(5):
                last = self.pipe.recv()
                if isinstance(last, collections.Counter):
                    situations.update(last)
                    break
        except OSError:
            pass
        self.process.join(5)

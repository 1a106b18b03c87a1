"""The store that the reader's test reads: events of every shape, sent to a server of its own."""
import json
import pathlib
import socket
import subprocess
import time
import uuid

import killtest_client as client

TOP = pathlib.Path(__file__).resolve().parent.parent
CATALOG = json.loads((TOP / "Fixtures/catalogs/kill-test.json").read_text())
# A line that is above zero, to be credited.
CATALOG["plans"]["tested"].setdefault("prices", {})["base"] = {"fee": "31"}
# Something to erase, and a legal period that is over at once.
CATALOG |= {"personal": ["note"], "events": {"keep": "1 second"}}
STARTED = time.monotonic()


class Failure(Exception):
    """Reader and engine differ, or one of them is wrong."""


def say(text):
    print(f"  {time.monotonic() - STARTED:5.1f} s  {text}", flush=True)


def check(condition, message):
    if not condition:
        raise Failure(message)


# What JSON may say, as it is sent: numbers in all their spellings, texts, nesting.
VALUES = [
    "null", "true", "0", "-0", "1.0", "10e-1", "1e3", "0.1", "-12.50", "1e-255", "1e-256", "1e400",
    "-12e40", "9223372036854775807", "-9223372036854775808", "18446744073709551616",
    "170141183460469231731687303715884105727", "170141183460469231731687303715884105728",
    "-170141183460469231731687303715884105728", "12345678901234567890.123456789012345678",
    "0." + "0" * 200 + "7", "9" * 60, '""', '"\\u0000\\u001f\\n\\r\\t\\b\\f\\"\\\\\\/\\u007f"',
    '"Größe 量 \\ud83d\\ude80 e\\u0301 \\u2028"', "[]", "{}", "[[],[[1,[2,[3.5]]],{}]]",
    '{"b":1,"a":{"z":[null,false],"":2},"é":3,"a b":"c"}', "[" * 60 + "]" * 60,
    '{"list":[{"n":1},{"n":2.5},{"n":"3"}]}', '"' + "long " * 3000 + '"',
    '"550e8400-e29b-41d4-a716-446655440000"',
]
TIMES = [
    None, "2026-03-01T12:00:00Z", "2026-03-01T12:00:00.5Z", "2026-03-01T12:00:00.000Z",
    "2026-03-01T12:00:00.123456789Z", "2026-03-01t12:00:00z", "2026-03-01 12:00:00Z",
    "2026-03-01T12:00:00.123456789012Z", "2026-03-01T14:00:00+02:00", "2016-12-31T23:59:60Z",
    "1678-01-01T00:00:00Z", "2261-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.25Z",
]


def odd_events(dice):
    """Events of every shape, as lines."""
    for number, value in enumerate(VALUES * 3):
        moment = TIMES[number % len(TIMES)]
        members = ['"specversion":"1.0"', f'"id":"odd-{number:04}"', '"source":"odd \\u00e9"',
                   '"type":"odd.thing"']
        if number % 4:
            members.append(f'"subject":"acct-{number % 7}"')
        if moment:
            members.append(f'"time":"{moment}"')
        if number % 3 == 0:
            members += ['"partition":7', '"traced":true', '"region":"eu-1"']
        if number % 5:
            members.append(f'"data":{value}')
        yield "{" + ",".join(dice.sample(members, len(members))) + "}"


def common_events(dice, count, prefix):
    """Events that columns are made for: ids of several spellings, times that rise, few shapes."""
    moment = 1_772_000_000_000
    for number in range(count):
        moment += dice.randrange(3000)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment // 1000))
        event = {"specversion": "1.0", "source": f"{prefix}-{number % 3}", "type": "work.done",
                 "subject": f"acct-{dice.randrange(40)}", "time": f"{stamp}.{moment % 1000:03}Z",
                 "data": {"n": dice.randrange(10_000), "exact": number % 2 == 0,
                          "region": dice.choice(["eu", "us", "asia"]), "trace": dice.randbytes(8).hex(),
                          "note": dice.choice(["", "a note", f"note {number}"])}}
        if number % 3 == 0:
            event["id"] = str(uuid.UUID(bytes=dice.randbytes(16), version=dice.choice([4, 4, 4, 1])))
        elif number % 3 == 1:
            event["id"] = f"{prefix}-{number:07}"
        else:
            event["epoch"], event["sequence"] = 1, number // 3
        if number % 10 == 0:
            event["data"]["price"] = dice.randrange(1000) / 8
        yield json.dumps(event, separators=(",", ":"), ensure_ascii=False)


def made_events(count):
    """Lines of tools/make-events."""
    run = subprocess.run([str(TOP / "tools/make-events"), "--count", str(count)],
                         capture_output=True, text=True, check=True)
    return run.stdout.splitlines()


def commands(part):
    """A catalog, plans, credits, and consumes of which some are denied."""
    if part == 0:
        yield {"request": "publish", "id": "catalog", "catalog": CATALOG}
        for number in range(6):
            yield {"request": "subscribe", "id": f"s-{number}", "account": f"acct-{number}",
                   "plan": "tested", "effective": "2023-01-01T00:00:00+01:00"}
            for amount in ("10.5", "7"):
                yield {"request": "grant", "id": f"g-{number}-{amount}", "account": f"acct-{number}",
                       "amount": amount, "priority": number % 2}
    else:
        yield {"request": "cancel", "id": "x-1", "account": "acct-5"}
    for number in range(120):
        yield {"request": "consume", "id": f"c-{part}-{number}", "account": f"acct-{number % 7}",
               "feature": ("calls", "tokens")[number // 7 % 2], "quantity": f"{number % 40}.25",
               "data": {"why": "because", "n": number}}


def big_event(number):
    """An event of nearly as many bytes as a line may have."""
    text = f"{number:04} " * 45_000
    return json.dumps({"specversion": "1.0", "id": f"big-{number}", "source": "big", "type": "big",
                       "subject": f"acct-{number % 3}", "data": text})


class Server:
    """The engine on a folder of its own."""

    def __init__(self, binary, folder):
        self.binary, self.data, self.socket = binary, folder / "data", folder / "s"
        self.log = open(folder / "server.log", "ab")
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [self.binary, "serve", "--data", str(self.data), "--socket", str(self.socket)],
            stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while True:
            try:
                return client.ask(self.socket, {"request": "ping"})
            except OSError:
                check(self.process.poll() is None and time.monotonic() < end, "no server started")
                time.sleep(0.01)

    def stop(self, how):
        self.process.send_signal(how)
        return self.process.wait(timeout=60)

    def send(self, lines):
        """Sends lines, a few hundred at a time, and demands that all are recorded."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(120)
            connection.connect(str(self.socket))
            with connection.makefile("rb") as replies:
                for start in range(0, len(lines), 200):
                    some = lines[start:start + 200]
                    connection.sendall("".join(line + "\n" for line in some).encode())
                    for line in some:
                        reply = json.loads(replies.readline())
                        check(reply.get("outcome") == "recorded", f"{reply} answered {line[:300]}")

    def entries(self):
        run = subprocess.run([self.binary, "tail", "--json", "--socket", str(self.socket)],
                             capture_output=True, check=True)
        return [json.loads(line) for line in run.stdout.splitlines()]

    def ask(self, request):
        reply = client.ask(self.socket, request)
        check(reply.get("ok"), f"{request} was answered {reply}")
        return reply


def retire(server):
    """Erases a value, and drops the bodies of what two accounts were billed for."""
    position = next(entry["position"] for entry in server.entries() if entry["event"]["type"] == "work.done")
    server.send([json.dumps({"request": "redact", "id": "r-1", "positions": [position], "properties": ["note"],
                             "reason": "asked for"})])
    for account in ("acct-1", "acct-2"):
        for period in ("2026-02", "2026-03"):
            server.ask({"request": "finalise", "account": account, "period": period})
    time.sleep(3)
    before = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 1.5))
    server.send([json.dumps({"request": "retire", "id": "d-1", "before": before, "reason": "time is over"})])
    server.ask({"request": "compact"})
    check(server.ask({"request": "status"})["retirement_pending"] is False, "the bodies are not dropped")


def correct(server):
    """A batch that is filled and closed, and an event of it that is amended."""
    server.ask({"request": "backfill", "id": "b-1", "action": "create", "batch": "gap", "reason": "lost"})
    server.send([json.dumps({"specversion": "1.0", "id": f"gap-{number}", "source": "gap", "type": "work.done",
                             "subject": "acct-3", "daybookbatch": "gap", "data": {"n": number}})
                 for number in range(5)])
    server.ask({"request": "backfill", "id": "b-2", "action": "close", "batch": "gap"})
    last = server.entries()[-2]["position"]
    server.ask({"request": "correct", "id": "k-1", "account": "acct-3", "reason": "wrong", "entries": [
        {"entry": last, "action": "amend", "data": {"n": 7.5}}, {"entry": last - 1, "action": "retract"}]})


def make_store(server, dice):
    """Fills a store: sealed segments, one of them merged from two, and rows behind them."""
    server.start()
    server.send([json.dumps(command) for command in commands(0)])
    server.send(list(odd_events(dice)))
    server.send(made_events(2500))
    server.ask({"request": "compact"})
    server.send(list(common_events(dice, 2500, "first")))
    server.ask({"request": "compact"})
    server.ask({"request": "checkpoint"})
    server.ask({"request": "finalise", "account": "acct-1", "period": "2023-02"})
    server.ask({"request": "credit_note", "id": "n-1", "account": "acct-1", "period": "2023-02",
                "line": "base", "part": "3/28", "reason": "it was down"})
    correct(server)
    retire(server)
    # So many bytes that the server seals them unasked, and does not merge them.
    sealed, number = server.ask({"request": "status"})["sealed_position"], 0
    end = time.monotonic() + 60
    while server.ask({"request": "status"})["sealed_position"] == sealed:
        check(time.monotonic() < end, "the server did not seal by itself")
        if len(list((server.data / "seg").iterdir())) == 1:
            server.send([big_event(number), big_event(number + 1)])
            number += 2
    say("sealed unasked")
    server.send([json.dumps(command) for command in commands(1)])
    server.send(list(common_events(dice, 700, "second")))

"""The gate test's own test: an invented tail of a sound engine passes, and each fault that is planted in it is found.

The tail is written by hand, with the figures that the written rules give, so that the model is not asked
whether it agrees with itself.
"""
import copy

from gatetest_judge import FACTS, Book, Journal, compare, condensed, content, judge, paid
from gatetest_model import Failure, check, shown

NO_CREDIT = {"allowed": False, "reason": "credit_insufficient"}


def allowed(*draws, reason="allowed", gems=None):
    outcome = {"allowed": True, "reason": reason}
    if draws:
        outcome["draws"] = [{"grant": grant, "credits": credits} for grant, credits in draws]
    if gems:
        outcome["shortfalls"] = [{"unit": "gems", "credits": gems}]
    return outcome


def use(feature, quantity, **more):
    return {"feature": feature, "quantity": quantity, **more}


# Second, connection, kind, data, outcome: what an account lives through. The position is the place in the list.
STORY = [
    (0, 0, "publish", {}, {}),
    (0, 0, "grant", {"unit": "coins", "amount": "1", "expires": "2026-03-31T23:59:10Z"}, {}),
    (0, 0, "grant", {"unit": "coins", "amount": "2"}, {}),
    (0, 1, "grant", {"unit": "gems", "amount": "5"}, {}),
    (1, 0, "consume", use("calls", "1500"), allowed()),
    (1, 1, "hold", use("calls", "400", seconds=3), allowed()),
    (1, 0, "consume", use("batch", "100.5"), {"allowed": False, "reason": "limit_reached"}),
    (1, 0, "consume", use("calls", "100"), allowed()),
    (2, 1, "release", {"hold": "calls/5"}, {}),
    (2, 0, "consume", use("batch", "400"), allowed()),
    (2, 0, "consume", use("tokens", "30"), allowed((0, "1"), (1, "0.11"))),
    (2, 0, "consume", use("tokens", "100"), NO_CREDIT),
    (3, 1, "hold", use("images", "4", seconds=3), allowed((2, "5"))),
    (3, 1, "settle", {"hold": "images/12", "quantity": "14"}, allowed((2, "5"), gems="12.5")),
    (3, 0, "consume", use("images", "0.1"), NO_CREDIT),
    (4, 0, "refund", {"entry": 13, "unit": "gems", "credits": "13"},
     {"draws": [{"grant": 2, "credits": "-0.5"}], "shortfall": "-12.5"}),
    (11, 0, "consume", use("tokens", "1"), allowed((1, "0.037"))),
    (11, 0, "consume", use("messages", "301"), allowed(reason="allowed_overage")),
    (11, 1, "hold", use("tokens", "10", seconds=1), allowed((1, "0.37"))),
    (20, 0, "consume", use("tokens", "50"), allowed((1, "1.85"))),
]
USAGE = {"calls": "2000", "messages": "301", "tokens": "81", "images": "14"}
CREDITS = {
    "at": "2026-03-31T23:59:21Z", "unit": "coins", "balance": "0.003", "granted": "3", "drawn": "2.997", "held": "0",
    "expired": "0", "voided": "0", "overage": "0", "holds": [],
    "units": [{"unit": "gems", "balance": "0.5", "granted": "5", "drawn": "4.5", "held": "0", "expired": "0",
               "voided": "0", "overage": "0"}],
    "grants": [{"remaining": "0"}, {"remaining": "0.003"}, {"remaining": "0.5"}],
}


class Tail:
    """The story as entries, and as what its clients were answered."""

    def __init__(self):
        numbers, self.entries = [0, 0], []
        for position, (second, connection, kind, data, outcome) in enumerate(copy.deepcopy(STORY)):
            event = {"source": f"c{connection}", "id": str(numbers[connection]), "subject": "a", "data": data}
            numbers[connection] += kind != "publish"
            self.entries.append({"position": position, "recorded_at": f"2026-03-31T23:59:{second:02}Z", "kind": kind,
                                 "event": event, "outcome": outcome})
        self.answers = [self.answer(entry) for entry in self.entries[1:]]
        self.usage, self.credits = dict(USAGE), copy.deepcopy(CREDITS)

    def answer(self, entry):
        kind, event, outcome = entry["kind"], entry["event"], entry["outcome"]
        draws, short = paid(outcome)
        drawn = sum(value for _, value in draws)
        reply = {**outcome, "position": entry["position"]}
        reply.pop("shortfall", None)
        if drawn:
            reply["credits"] = shown(drawn)
        if short and kind == "refund":
            reply["shortfall"] = shown(short)
        if kind == "hold":
            reply["hold"] = f"{event['data']['feature']}/{entry['position']}"
        sent = content(kind, "a", event["data"], event.get("time"))
        return [event["source"][1:], event["id"], sent, "recorded", condensed(reply, FACTS), "|||",
                event["data"].get("entry", -1)]

    def judged(self):
        """The judge's complaint, or nothing."""
        try:
            lines = b"".join(" ".join(map(str, answer)).encode() + b"\n" for answer in self.answers)
            journal = Journal(lines, 2)
            book = Book(self.rules, journal.refunded)
            for entry in self.entries:
                judge(entry, book, journal)
            missing = journal.rest()
            check(not missing, lambda: f"acknowledged entries are not in the log: {missing}")
            compare(book, "a", {"period": {"start": "2026-03-01T00:00:00Z"}, "meters": [
                {"meter": meter, "quantity": quantity} for meter, quantity in self.usage.items()]}, self.credits)
        except Failure as failure:
            return str(failure)
        return None

    # Faults

    def decide(self, position, outcome, answered=True):
        self.entries[position]["outcome"] = outcome
        if answered:
            self.answers[position - 1] = self.answer(self.entries[position])

    def ask(self, position, **data):
        self.entries[position]["event"]["data"].update(data)

    def begin(self, position, time):
        self.entries[position]["event"]["time"] = time
        self.decide(position, {})

    def drop(self, position, renumber=False):
        del self.entries[position]
        for place, entry in enumerate(self.entries if renumber else []):
            entry["position"] = place

    def reply(self, position, facts=None, status="recorded", numbers="|||"):
        answer = self.answers[position - 1]
        answer[3:6] = [status, facts or answer[4], numbers]

    def twice(self, position):
        self.entries.append({**self.entries[position], "position": len(self.entries),
                             "recorded_at": self.entries[-1]["recorded_at"]})


LIMIT, BALANCE, RULES = "a hard limit is passed", "a balance is passed", "the rules say"
DENIED = {"allowed": False, "reason": "limit_reached"}
# What is planted, and a word of the complaint that must come.
FAULTS = {
    "a consume beyond what is held": (lambda t: t.decide(6, allowed()), LIMIT),
    "a consume beyond what is used": (lambda t: t.ask(9, quantity="400.000000000001"), LIMIT),
    "a hold beyond the limit": (lambda t: t.ask(5, quantity="500.5"), LIMIT),
    "more drawn than a grant has": (lambda t: t.decide(11, allowed((1, "3.7"))), BALANCE),
    "one grant drawn twice": (lambda t: t.decide(10, allowed((0, "1"), (0, "0.11"))), "passed"),
    "a grant that is over pays": (lambda t: t.decide(16, allowed((0, "0.037"))), "not valid"),
    "a grant that is yet to begin pays": (lambda t: t.begin(3, "2026-03-31T23:59:30Z"), "not valid"),
    "a grant of another unit pays": (lambda t: t.decide(16, allowed((2, "0.037"))), "another unit"),
    "a grant that never was pays": (lambda t: t.decide(16, allowed((9, "0.037"))), "never given"),
    "too little paid": (lambda t: t.decide(10, allowed((0, "1"))), "it costs"),
    "the wrong grant first": (lambda t: t.decide(10, allowed((1, "1.11"))), "burn order"),
    "a consume beyond the overdraft": (lambda t: t.decide(14, allowed(gems="0.125")), "an overdraft is passed"),
    "overage where none may be": (lambda t: t.decide(11, allowed(gems="3.7")), "an overdraft is passed"),
    "a hold on credit": (lambda t: t.decide(12, allowed((2, "4"), gems="1")), "beyond the balance"),
    "a settlement without what was held": (lambda t: t.decide(13, allowed(gems="17.5")), "pay first"),
    "a denial by the limit with room left": (lambda t: t.decide(7, DENIED), RULES),
    "a denial by credits that are there": (lambda t: t.decide(10, NO_CREDIT), RULES),
    "a denial where a hold has ended": (lambda t: t.decide(19, NO_CREDIT), RULES),
    "a soft limit that is not told": (lambda t: t.decide(17, allowed()), RULES),
    "too much goes back": (lambda t: t.ask(15, credits="18"), "go back"),
    "it goes back to another place": (lambda t: t.decide(15, {"draws": [{"grant": 2, "credits": "-5"}],
                                                             "shortfall": "-8"}), "must go back"),
    "a hold ended twice": (lambda t: t.twice(8), "is not open"),
    "an entry twice": (lambda t: t.twice(17), "stands in the log twice"),
    "an entry is missing": (lambda t: t.drop(17), "missing or comes twice"),
    "an entry is missing, without a gap": (lambda t: t.drop(17, renumber=True), "was answered"),
    "the newest entry is missing": (lambda t: t.drop(19), "not in the log"),
    "an entry that nobody sent": (lambda t: t.answers.pop(), "nobody sent"),
    "other content": (lambda t: t.ask(17, quantity="302"), "not what was sent"),
    "another answer": (lambda t: t.reply(7, "7|False|limit_reached|||"), "was answered"),
    "another position": (lambda t: t.reply(7, "8|True|allowed|||"), "was answered"),
    "another number": (lambda t: t.reply(7, numbers="2000|2000|1|"), "was answered remaining 1"),
    "refused, yet recorded": (lambda t: t.reply(7, status="refused"), "was refused"),
    "streamed as allowed, yet denied": (lambda t: t.reply(6, status="stream"), "acknowledged as allowed"),
    "time goes back": (lambda t: t.entries[17].update(recorded_at="2026-03-31T23:59:00Z"), "time goes back"),
    "usage of the month differs": (lambda t: t.usage.update(calls="1999"), "usage of a"),
    "a balance differs": (lambda t: t.credits["units"][0].update(balance="0.6"), "credits of a"),
    "a hold is not over": (lambda t: t.credits["holds"].append({"hold": "tokens/18"}), "the holds of a"),
}


def run(rules):
    """0 if the sound tail passes and every fault is found, each for its own reason."""
    Tail.rules = rules
    complaint = Tail().judged()
    missed = [] if complaint is None else [f"no fault: {complaint}"]
    for name, (plant, words) in FAULTS.items():
        tail = Tail()
        plant(tail)
        complaint = tail.judged()
        print(f"  {name}: {(complaint or 'passed')[:100]}")
        if complaint is None or words not in complaint:
            missed.append(name)
    verdict = f"missed: {', '.join(missed)}" if missed else f"all {len(FAULTS)} planted faults were found"
    print(f"gate-test canary: {verdict}")
    return 1 if missed else 0

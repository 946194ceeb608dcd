"""Commits with several invocations: attempts that are re-run, cancelled, killed and force-pushed, in a random order.

The expected colour is worked out here, from what each check has recorded and from the ids of the checks, without the
package's own reader.
"""

import random
import re
import threading
from dataclasses import dataclass, field
from functools import cache

from mlci.operations.publish.publish import open_publication, publish_report
from mlci.publish.plan import Target, plan_publication
from mlci.publish.result import Finished, Unfinished
from mlci.publish.runs import Invocation, Run
from mlci.report.document import Candidate
from mlci.report.text.markup import Links
from tests.support.publish.memory import Memory, Port
from tests.support.publish.scene import MODEL, NAME, bad, good

SHAS = ("a" * 40, "b" * 40)
CELLS = tuple(
    Invocation(key=format(number, "016x"), label=label)
    for number, label in enumerate(("model (3.11)", "model (3.12)", "push"), start=1)
)
SAYS = {
    "success": good(),
    "failure": bad(),
    "error": Unfinished(why="the evaluation ended with exit code 3", code=3),
    "cancelled": Unfinished(why="the job was cancelled or ran into its time limit", cancelled=True),
}
WORST = ["success", "open", "cancelled", "error", "failure"]
STATES = {"success": "success", "open": "pending", "cancelled": "error", "error": "error", "failure": "failure"}
_OWN = re.compile(r"<!-- mlci-attempt key=([0-9a-f]{16}) own=(\w+) ")


@cache
def plan(where, says):
    """Return the publication of a result; planning is pure, and lives repeat it."""
    ended = SAYS[says]
    if not isinstance(ended, Unfinished):
        ended = Finished(report=ended.model_copy(update={"candidate": Candidate(commit=where.head)}))
    return plan_publication(where, ended, policy="always", links=Links())


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Chain:
    """One run: its attempts come one after another. ``opens`` is whether it opens its check before the work."""

    cell: Invocation
    run: int
    sha: str
    says: list
    opens: bool = True
    attempt: int = 0


@dataclass
class Entry:
    """A check's record, and its position."""

    id: int
    key: str
    own: str
    run: int
    attempt: int


@dataclass
class Life:
    """Runs chains of attempts with their requests interleaved one at a time, in an order that a seed decides.

    Attributes:
        memory: GitHub.
        chance: The seed's numbers.
        deadly: Probability that an attempt's process is killed at one of its first requests.
        look: Is called between any two requests.
        lost: Processes that were killed and not started again.
    """

    memory: Memory
    chance: random.Random
    deadly: float
    look: object
    lost: int = 0
    waiting: list = field(default_factory=list)
    alive: int = 0
    troubles: list = field(default_factory=list)

    def play(self, chains):
        self.lock, self.chains = threading.Condition(), chains
        for chain in chains:
            self.next(chain)
        while True:
            with self.lock:
                self.lock.wait_for(lambda: len(self.waiting) == self.alive, timeout=30)
                if not self.alive:
                    return
                self.look()
                self.waiting.sort(key=lambda pair: pair[0])
                _, go = self.waiting.pop(self.chance.randrange(len(self.waiting)))
            go.release()

    def next(self, chain):
        """Begin the next attempt of a run."""
        if chain.attempt < len(chain.says):
            chain.attempt += 1
            self.start(chain, restarts=1)

    def start(self, chain, *, restarts):
        dies = self.chance.randint(1, 10) if self.chance.random() < self.deadly else 0
        before = self.chance.random() < 0.5
        self.alive += 1
        threading.Thread(target=self.process, args=(chain, dies, before, restarts), daemon=True).start()

    def process(self, chain, dies, before, restarts):
        port = Port(self.memory, self.turn(f"{chain.run}.{chain.attempt}.{restarts}", dies, before))
        pull = None if chain.cell.label == "push" else 1
        where = Target(
            model=MODEL,
            head=chain.sha,
            pull=pull,
            branch="topic" if pull else None,
            reader=None,
            run=Run(chain.run, chain.attempt),
            url=None,
            invocation=chain.cell,
        )
        died = False
        try:
            if chain.opens:
                open_publication(where, port)
            done = publish_report(plan(where, chain.says[chain.attempt - 1]), port)
            self.troubles += done.failures + done.refused
        except Killed:
            died = True
        finally:
            with self.lock:
                self.follow(chain, restarts, died=died)
                self.alive -= 1
                self.lock.notify_all()

    def follow(self, chain, restarts, *, died):
        """A process that was killed is started again, or its job is gone and its run may be attempted again."""
        if died and restarts and self.chance.random() < 0.6:
            self.start(chain, restarts=0)
            return
        self.lost += died
        self.next(chain)

    def turn(self, name, dies, before):
        sent = [0]

        def one(effect):
            go = threading.Semaphore(0)
            with self.lock:
                self.waiting.append((name, go))
                self.lock.notify_all()
            go.acquire()
            sent[0] += 1
            if sent[0] == dies and before:
                raise Killed
            answer = effect()
            if sent[0] == dies:
                raise Killed
            return answer

        return one


def records(memory, sha):
    """Every record on a commit."""
    found = []
    for check in memory.checks:
        if check.head == sha and check.name == NAME:
            key, own = _OWN.findall(check.summary)[-1]
            run, attempt = check.external_id.split(".")
            found.append(Entry(check.id, key, own, int(run), int(attempt)))
    return found


def is_newer(one, other):
    """First attempts by their runs, attempts of one run by their number, all others by the check that was opened."""
    if one.run == other.run:
        return one.attempt > other.attempt
    if one.attempt == other.attempt == 1:
        return one.run > other.run
    return one.id > other.id


def expected_colour(entries):
    """Return the worst result of the invocations' newest attempts; ``None`` if no attempt is newer than all others."""
    worst = "success" if entries else "open"
    for key in {one.key for one in entries}:
        ones = [one for one in entries if one.key == key]
        newest = [one for one in ones if all(one is other or is_newer(one, other) for other in ones)]
        if len(newest) != 1:
            return None
        worst = max(worst, newest[0].own, key=WORST.index)
    return worst


def colour(memory, sha):
    """Return GitHub's result of a required `mlci / …`: the newest check and the newest status, which must both pass."""
    checks = [one for one in memory.checks if one.head == sha]
    statuses = [status.state for head, status in memory.statuses if head == sha]
    return (max(checks, key=lambda one: one.id).conclusion if checks else None), (statuses[-1] if statuses else None)

"""Publishers whose requests are interleaved one at a time, in an order that a seed decides."""

import random
import threading
from dataclasses import dataclass, field

from mlci.github.client import Client
from mlci.operations.publish.publish import open_publication, publish_report
from tests.support.publish.scene import Clock, direct


class Killed(BaseException):
    """The process is gone."""


@dataclass(eq=False)
class Turn:
    """One publisher's place in the schedule."""

    name: str
    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    sent: int = 0
    dies_at: int | None = None
    dies_before: bool = False


class Schedule:
    """Lets one publisher send one request, then draws the next."""

    def __init__(self, fake, seed):
        self.fake, self.chance = fake, random.Random(seed)
        self.lock = threading.Condition()
        self.waiting, self.alive = [], 0
        self.killed, self.failures = [], []

    def run(self, publishers, *, deadly):
        """Run them all; each dies at a random request with that probability, and is started again at once."""
        for one in publishers:
            self.begin(one, deadly)
        while True:
            with self.lock:
                self.lock.wait_for(lambda: len(self.waiting) == self.alive, timeout=30)
                if not self.alive:
                    return
                turn = self.chance.choice(sorted(self.waiting, key=lambda turn: turn.name))
                self.waiting.remove(turn)
            turn.go.release()

    def begin(self, one, deadly=0.0):
        turn = Turn(name=f"{one.where.run}-{len(self.killed)}")
        if self.chance.random() < deadly:
            turn.dies_at, turn.dies_before = self.chance.randint(1, 9), self.chance.random() < 0.5
        self.alive += 1
        threading.Thread(target=self.live, args=(one, turn), daemon=True).start()

    def live(self, one, turn):
        again = None
        try:
            client = Client(self.sender(one.token, turn), repository=self.fake.name, patience=Clock().patience())
            opened = open_publication(one.where, client)
            done = publish_report(one.plan, client)
            self.failures += opened.failures + done.failures
        except Killed:
            self.killed.append(turn)
            again = one
        finally:
            with self.lock:
                if again is not None:
                    self.begin(again)
                self.alive -= 1
                self.lock.notify_all()

    def sender(self, token, turn):
        """Send straight to the fake's API, in turn."""
        answer = direct(self.fake, token)

        def send(*request):
            with self.lock:
                self.waiting.append(turn)
                self.lock.notify_all()
            turn.go.acquire()
            turn.sent += 1
            if turn.sent == turn.dies_at and turn.dies_before:
                raise Killed
            answered = answer(*request)
            if turn.sent == turn.dies_at:
                raise Killed
            return answered

        return send

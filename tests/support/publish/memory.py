"""GitHub's checks, statuses and comments in memory, behind the port, for thousands of orders of requests.

The fake of GitHub has the same rules over the wire; this one has no wire, so that a whole life of a commit takes a
millisecond. A completed check does not go back to in progress.
"""

from dataclasses import dataclass, field, replace

from mlci.github.interface import CheckRun, Comment, NotThere

APP = "github-actions"


@dataclass
class Memory:
    """Everything that is there; ``heads`` are the commits of pull requests by number, ``branches`` by branch."""

    head: str = ""
    checks: list = field(default_factory=list)
    statuses: list = field(default_factory=list)
    comments: list = field(default_factory=list)
    ids: int = 100

    def new_id(self):
        self.ids += 1
        return self.ids


class Port:
    """The port of one process; ``turn(effect)`` lets it send one request."""

    def __init__(self, memory, turn):
        self.memory, self.turn = memory, turn

    def check_runs(self, ref, name):
        def effect():
            sha = self.memory.head if ref.startswith("heads/") else ref
            return tuple(one for one in self.memory.checks if one.head == sha and one.name == name)

        return self.turn(effect)

    def create_check(self, *, head, name, fields, arrived):  # noqa: ARG002 (every request is answered here)
        def effect():
            number = self.memory.new_id()
            texts = {
                "app": APP,
                "external_id": "",
                "status": "queued",
                "title": "",
                "summary": "",
                "url": f"u/{number}",
            }
            self.memory.checks.append(
                CheckRun(id=number, name=name, head=head, conclusion=None, annotations=0, pulls=(1,), **texts)
            )
            return self.changed(number, fields)

        return self.turn(effect)

    def update_check(self, number, fields, *, arrived):  # noqa: ARG002 (the same)
        return self.turn(lambda: self.changed(number, fields))

    def changed(self, number, fields):
        place = next(place for place, one in enumerate(self.memory.checks) if one.id == number)
        one = self.memory.checks[place]
        ended = one.status == "completed" or fields.conclusion is not None
        self.memory.checks[place] = replace(
            one,
            external_id=fields.external_id,
            status="completed" if ended else "in_progress",
            conclusion=fields.conclusion or one.conclusion,
            title=fields.output.title,
            summary=fields.output.summary,
            annotations=one.annotations + len(fields.output.annotations),
        )
        return self.memory.checks[place]

    def set_status(self, head, status):
        return self.turn(lambda: self.memory.statuses.append((head, status)))

    def comments(self, pull):  # noqa: ARG002 (there is one)
        return self.turn(lambda: tuple(self.memory.comments))

    def create_comment(self, pull, body, *, arrived):  # noqa: ARG002 (the same)
        def effect():
            number = self.memory.new_id()
            self.memory.comments.append(Comment(id=number, author=f"{APP}[bot]", body=body, url=f"u/{number}"))
            return self.memory.comments[-1]

        return self.turn(effect)

    def edit_comment(self, number, body):
        def effect():
            for place, one in enumerate(self.memory.comments):
                if one.id == number:
                    self.memory.comments[place] = replace(one, body=body)
                    return self.memory.comments[place]
            return NotThere()

        return self.turn(effect)

    def delete_comment(self, number):
        def effect():
            self.memory.comments[:] = [one for one in self.memory.comments if one.id != number]

        return self.turn(effect)

    def head(self, pull):  # noqa: ARG002 (the same)
        return self.turn(lambda: self.memory.head)

    def login(self):
        return None

"""The place of an attack: a work folder, an outside that nothing may touch, a runner's files, and canary secrets."""

import contextlib
import io
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from mlci.cli.error_handler import handle_errors
from tests.support import repository
from tests.support.project import run_in_process

CANARY = "canary-5f1d"
SECRETS = {
    name: f"{CANARY}-{name.lower().replace('_', '-')}"
    for name in (
        "MLCI_TOKEN",
        "MLCI_LABEL_KEY",
        "GITHUB_TOKEN",
        "GH_TOKEN",
        "ACTIONS_RUNTIME_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "INPUT_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
    )
}
FILES = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE")
VICTIM = f"{CANARY}-file, which nothing may read out or change\n"


class Scene:
    """Folders, environment and results of one attack.

    Attributes:
        work: Folder of the repository; everything else belongs to others.
        outside: Folder of another user, with a file that holds a canary.
        temp: The runner's folder for temporary files.
        out, err: Output of the entry point.
        code: Exit code of the entry point; ``None`` before the call.
        returned: What a function returned.
        published: Texts that reached GitHub, and conclusions of checks and statuses.
        planted: Files of the attacker, whose own content proves nothing.
        growth: KiB by which this process's memory grew.
        strays: Paths outside that this process wrote to.
    """

    def __init__(self, root: Path) -> None:
        self.work, self.outside, self.temp = root / "work", root / "outside", root / "temp"
        repository._empty()  # built once, outside of every scene
        for folder in (self.work, self.outside, self.temp):
            folder.mkdir(parents=True)
        self.victim = self.outside / "victim.txt"
        self.victim.write_text(VICTIM)
        self.runner = {name: self.temp / name.lower() for name in FILES}
        for path in self.runner.values():
            path.touch()
        self.out = self.err = ""
        self.code: int | None = None
        self.returned: object = None
        self.published: list[str] = []
        self.planted: dict[Path, bytes] = {}
        self.growth = 0
        self.strays: list[str] = []
        self.is_paused = False

    @property
    def environment(self) -> dict[str, str]:
        """Variables of a workflow's step that runs mlci."""
        paths = {name: str(path) for name, path in self.runner.items()}
        return {**SECRETS, **paths, "GITHUB_ACTIONS": "true", "RUNNER_TEMP": str(self.temp), "HOME": str(self.outside)}

    def plant(self, name: str, content: str | bytes) -> Path:
        """Put a file of the attacker into the work folder."""
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
        path.write_bytes(data)
        self.planted[path] = data
        return path

    def mlci(self, *words: object, **environment: str) -> int:
        """Run a command in this process, in the work folder."""
        out, err = io.StringIO(), io.StringIO()
        run = partial(run_in_process, *words, cwd=self.work, out=out, err=err)
        self.code = run(**(self.environment | environment))
        self._keep(out, err)
        return self.code

    def call(self, function: Callable[..., object], *arguments: object, **named: object) -> object:
        """Call a function of the product; an error is printed as every command prints it."""
        out, err = io.StringIO(), io.StringIO()

        def keep() -> int:
            self.returned = function(*arguments, **named)
            return 0

        with self.step(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            self.code = handle_errors(keep)
        self._keep(out, err)
        return self.returned

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Do something that later scenes share: it writes where every test writes."""
        kept, tempfile.tempdir = tempfile.tempdir, None
        self.is_paused = True
        try:
            yield
        finally:
            self.is_paused = False
            tempfile.tempdir = kept

    def say(self, text: str) -> None:
        """Record what an entry point would print, and that it ended well."""
        self.out += f"{text}\n"
        self.code = 0

    @contextlib.contextmanager
    def step(self) -> Iterator[None]:
        """Take the work folder, the environment and the signals of a step for a while."""
        before, folder = dict(os.environ), Path.cwd()
        handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        os.environ.update(self.environment)
        os.chdir(self.work)
        try:
            yield
        finally:
            os.chdir(folder)
            os.environ.clear()
            os.environ.update(before)
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def _keep(self, out: io.StringIO, err: io.StringIO) -> None:
        self.out += out.getvalue()
        self.err += err.getvalue()

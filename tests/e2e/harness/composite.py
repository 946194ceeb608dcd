"""The runner's loop over the steps of an action (actions/runner, CompositeActionHandler.cs and StepsRunner.cs)."""

import math
import shlex
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.harness.job import Job, Ran
from tests.e2e.harness.language import LanguageError
from tests.e2e.harness.process import SHELLS
from tests.e2e.harness.step import Limits, perform


@dataclass
class Frame:
    """One action that is being run, and what its steps can see; ``deadline`` is the time-out of the step around it."""

    job: Job
    folder: Path
    inputs: dict[str, str]
    env: dict[str, str]
    deadline: float
    done: dict[str, Ran] = field(default_factory=dict)
    state: str = "success"

    def contexts(self) -> dict[str, Any]:
        contexts = self.job.contexts()
        contexts["github"] |= {"action_path": str(self.folder), "action_status": self.state}
        steps = {
            name: {"outputs": step.outputs, "outcome": step.outcome, "conclusion": step.conclusion}
            for name, step in self.done.items()
        }
        return contexts | {"inputs": self.inputs, "steps": steps, "env": self.env}

    def holds(self, condition: str) -> bool:
        """``success()`` and ``failure()`` ask about the action's own steps, ``cancelled()`` about the job."""
        holding = {self.state} | ({"cancelled"} if self.job.cancelled() else set())
        return self.job.language.evaluate(condition, self.contexts(), holding=holding)["truthy"]

    def kept(self, condition: str) -> bool:
        """Return true if a step goes on in a cancelled run: its condition is evaluated again, unless it was before.

        The condition of the step around the action does not matter: embedded steps have separate tokens
        (actions/runner, ExecutionContext.cs, CreateEmbeddedChild; older runners linked them, see pull request 2638).
        """
        again = self.job.language.evaluate(condition, self.contexts(), holding={"cancelled"})["truthy"]
        return self.job.cancelled() or again


def use(
    job: Job,
    action: Path,
    *,
    given: dict[str, str] | None = None,
    condition: str = "success()",
    timeout: float = math.inf,
) -> Ran:
    """Run an action as one step of ``job``, under ``if: condition``, and let the job's status follow from it.

    Embedded steps share the time-out of the step around them: after it, those that are left fail, ``always()`` or not
    (CompositeActionHandler.cs hands each the time that was left when the action began).
    """
    ran = Ran(name=action.name)
    contexts = job.contexts()
    if not job.language.evaluate(condition, contexts, holding={job.status})["truthy"]:
        return ran
    kept = job.cancelled() or job.language.evaluate(condition, contexts, holding={"cancelled"})["truthy"]
    limits = Limits(kept=kept, deadline=time.monotonic() + timeout)
    _act(job, action, given=given or {}, contexts=contexts, ran=ran, env=job.env, limits=limits)
    ran.conclusion = ran.outcome
    if ran.outcome == "failure" and not job.cancelled():
        job.status = "failure"
    return ran


def _act(
    job: Job,
    folder: Path,
    *,
    given: dict[str, str],
    contexts: dict[str, Any],
    ran: Ran,
    env: dict[str, str],
    limits: Limits,
) -> None:
    action = job.language.parse(next(path for path in (folder / "action.yml", folder / "action.yaml") if path.exists()))
    unknown = sorted(set(given) - set(action["inputs"]))
    if unknown:
        raise LanguageError(f"{folder.name} has no input {', '.join(unknown)}; the runner would only warn")
    defaults = {key: job.language.text(value["default"], contexts) for key, value in action["inputs"].items()}
    frame = Frame(job=job, folder=folder, inputs=defaults | given, env=env, deadline=limits.deadline)
    if action["using"] == "composite":
        _composite(frame, action, ran)
    else:
        named = {f"INPUT_{key.replace(' ', '_').upper()}": value for key, value in frame.inputs.items()}
        perform(
            job, ["node", str(folder / action["main"])], ran=ran, place=job.workspace, env=env | named, limits=limits
        )


def _composite(frame: Frame, action: dict[str, Any], ran: Ran) -> None:
    """Steps see the inputs as a context only: unlike other actions, composite ones get no ``INPUT_`` variables."""
    text = frame.job.language.text
    for number, step in enumerate(action["steps"]):
        inner = Ran(name=text(step["name"], frame.contexts()) or step["id"] or step["uses"] or f"step {number}")
        ran.steps.append(inner)
        if frame.holds(step["if"]):
            _step(frame, step, inner)
            tolerated = text(step["continueOnError"], frame.contexts()) == "true"
            inner.conclusion = "success" if tolerated and inner.outcome == "failure" else inner.outcome
            frame.state = worse(frame.state, inner.conclusion)
        frame.done[step["id"] or f"__{number}"] = inner
    contexts = frame.contexts()
    ran.outputs = {key: text(value, contexts) for key, value in action["outputs"].items()}
    ran.outcome = frame.state
    _gather(ran)


def _step(frame: Frame, step: dict[str, Any], ran: Ran) -> None:
    text, contexts = frame.job.language.text, frame.contexts()
    limits = Limits(kept=frame.kept(step["if"]), deadline=frame.deadline)
    ran.environment = frame.env | {key: text(value, contexts) for key, value in step["env"].items()}
    contexts |= {"env": ran.environment}
    if step["uses"]:
        ran.name += " (stand-in)"
        given = {key: text(value, contexts) for key, value in step["with"].items()}
        folder = _standin(frame.job, step["uses"])
        _act(frame.job, folder, given=given, contexts=contexts, ran=ran, env=ran.environment, limits=limits)
        return
    script = frame.job.fresh("script.sh")
    script.write_text(text(step["run"], contexts), "utf-8")
    command = _command(text(step["shell"], contexts), script)
    place = frame.job.workspace / text(step["folder"], contexts)
    own = ran.environment | {"GITHUB_ACTION_PATH": str(frame.folder)}
    perform(frame.job, command, ran=ran, place=place, env=own, limits=limits)


def worse(one: str, other: str) -> str:
    """Join two results as the runner does (TaskResultUtil.cs): cancelled is worse than failed."""
    order = ("success", "failure", "cancelled")
    return max(one, other, key=order.index)


def _command(shell: str, script: Path) -> list[str]:
    return [*SHELLS[shell], str(script)] if shell in SHELLS else shlex.split(shell.replace("{0}", str(script)))


def _standin(job: Job, uses: str) -> Path:
    repository = uses.split("@", maxsplit=1)[0]
    if repository not in job.standins:
        raise LanguageError(f"nothing stands in for {uses}; the harness downloads no action")
    return job.standins[repository]


def _gather(ran: Ran) -> None:
    ran.log = "".join(step.log for step in ran.steps)
    ran.summary = "\n".join(step.summary for step in ran.steps if step.summary)
    ran.annotations = [annotation for step in ran.steps for annotation in step.annotations]

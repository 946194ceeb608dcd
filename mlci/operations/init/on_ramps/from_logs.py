"""On-ramp of evaluation logs: those that a tool left, or the command and the tasks by which one will write them."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from mlci.errors import InputError, yaml_value
from mlci.gates.limits import Kind
from mlci.operations.init.inventory import Inventory
from mlci.operations.init.margins import MarginQuestion, ProposedGate, smallest_margin
from mlci.operations.init.proposal import ConfigurationParts, InitOptions, Proposal, SetupAnswer, SetupAnswers
from mlci.operations.init.repository import Repository
from mlci.planning.assumptions import DISAGREEMENT
from mlci.planning.changes import RateChange, score_change
from mlci.scores.formats import deepeval, inspect_ai, lighteval, lm_eval, openai_evals, promptfoo
from mlci.scores.formats.detect import find_format, read_log
from mlci.scores.formats.log_file import LogFile
from mlci.scores.join_tasks import TASK, join_tasks
from mlci.scores.pairing import group_of
from mlci.scores.score_log import Scalar, ScoredItem, ScoreLog

_SUFFIXES = (".eval", ".json", ".jsonl", ".csv", ".parquet")
_MOST_LOOKED_AT, _MOST_READ = 500, 20
_MOST_GATES, _MOST_SLICES = 2, 2
_LEAST_GROUP, _MOST_GROUPS = 30, 20
_MARGINS = (0.01, 0.02, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
"""Standard errors beyond the interval's end for a power of 80 %."""
_CLUSTER = re.compile(
    r"passage|document|article|paragraph|context|conversation|session|dialog|user|patient|repo|cluster", re.IGNORECASE
)
_COMMANDS = {
    inspect_ai.NAME: r"inspect eval(?:-set)? [^\n`]+",
    lm_eval.NAME: r"(?:lm[-_]eval|python3? -m lm_eval)(?: run)? -[^\n`]+",
    # `lighteval eval` is left out: it writes a log of Inspect
    lighteval.NAME: r"lighteval (?:accelerate|nanotron|vllm|sglang|custom|endpoint [\w-]+) [^\n`]+",
    promptfoo.NAME: r"(?:npx (?:-y |--yes )?)?promptfoo(?:@[\w.]+)? eval\b[^\n`]*",
    deepeval.NAME: r"deepeval test run [^\n`]+",
    openai_evals.NAME: r"oaieval [^\n`]+",
}
"""Commands that write a log, by tool."""
_UNKNOWN = re.compile(r"[$<]|\.\.\.|…")
_INSPECT_TASK = re.compile(r"^\s*@task\b", re.MULTILINE)
_INSPECT_SCORER = re.compile(r"\bscorer\s*=\s*(\[[^\]]*\]|\w+\()")
_PROMPTFOO = ("promptfooconfig.yaml", "promptfooconfig.yml", "promptfooconfig.json")
_RESULTS = ".deepeval/.latest_run_full.json"


@dataclass(frozen=True, kw_only=True)
class _Run:
    """Command that writes a log, where the log will be, and where the command is from."""

    command: str
    log: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class _Found:
    """Logs of one run of a tool."""

    tool: str
    paths: tuple[str, ...]
    log: ScoreLog


def propose_logs(repository: Repository) -> Proposal | None:
    """Return the proposal for evaluation logs; ``None`` without logs, tasks or a command of a known tool."""
    options, inventory = repository.options, repository.inventory
    if options != InitOptions(model=options.model) or any(facts.fits for facts in repository.scripts):
        return None
    found = _find_logs(inventory)
    tool = found.tool if found else None
    run = _find_run(inventory, tool)
    if found is None and run is None:
        return None
    answers = SetupAnswers()
    model = answers.take("model", options.model, repository.model_name)
    if run is not None:
        answers.found.append(_answer("run", run.command, run.reason, "predict.run"))
    pattern, notes = _pattern(inventory, found, run)
    why = "the newest log is there" if found else "the command writes it there"
    answers.found.append(_answer("log", pattern, why, "predict.log"))
    evaluation, slices = _evaluation(found)
    if found is None and run is not None:
        notes.append("No log is there yet, so the margins are guesses: run `mlci plan` after the first evaluation.")
    if _tool_of(run, tool) == promptfoo.NAME:
        evaluation["prompts"] = "may_differ"
    for key, value in evaluation.items():
        answers.found.append(_answer(key, value, "metadata of the log" if key != "prompts" else _WHY_PROMPTS, key))
    gates = _gates_of_log(found.log, slices) if found else _gates_of_source(inventory, _tool_of(run, None))
    if not gates:
        return None
    answers.gates(gates)
    predict = {**({"run": run.command} if run else {}), "log": pattern}
    parts = ConfigurationParts(
        model=model or "model", task="scores", predict=predict, evaluation=evaluation, gates=tuple(gates)
    )
    return Proposal(on_ramp="logs", parts=parts, answers=tuple(answers.found), notes=tuple(notes))


_WHY_PROMPTS = "the prompt is what a change is about"


def _answer(question: str, value: str, reason: str, key: str) -> SetupAnswer:
    return SetupAnswer(question=question, value=value, reason=reason, option=f"{key} in mlci.yml")


def _find_logs(inventory: Inventory) -> _Found | None:
    """Return the newest whole run of the tool that has most logs."""
    hidden = [_RESULTS] if (inventory.folder / _RESULTS).is_file() else []
    paths = [path for path in sorted(inventory.files) if path.endswith(_SUFFIXES) and not path.startswith(".github/")]
    by_tool: dict[str, list[str]] = {}
    for path in [*hidden, *paths][:_MOST_LOOKED_AT]:
        try:
            by_tool.setdefault(find_format(LogFile(inventory.folder / path, path)).NAME, []).append(path)
        except InputError:
            continue
    for tool, found in sorted(by_tool.items(), key=lambda pair: -len(pair[1])):
        if (run := _newest(inventory, tool, found)) is not None:
            return run
    return None


def _newest(inventory: Inventory, tool: str, paths: Sequence[str]) -> _Found | None:
    """Return the newest whole log of each task in the folder of the newest log; ``None`` if none can be read."""
    newest = max(paths, key=lambda path: PurePosixPath(path).name)
    beside = [path for path in paths if PurePosixPath(path).parent == PurePosixPath(newest).parent]
    chosen: dict[str | None, tuple[str, ScoreLog]] = {}
    for path in sorted(beside, key=lambda path: PurePosixPath(path).name, reverse=True)[:_MOST_READ]:
        try:
            log = read_log(inventory.folder / path, shown=path)
        except InputError:
            continue
        if log.incomplete is None and any(item.scores for item in log.items):
            chosen.setdefault(log.task, (path, log))
    if not chosen:
        return None
    named = [pair for task, pair in chosen.items() if task is not None] or list(chosen.values())
    found = tuple(path for path, _ in named)
    return _Found(tool=tool, paths=found, log=join_tasks([log for _, log in named], found))


def _find_run(inventory: Inventory, tool: str | None) -> _Run | None:
    """Return the command that writes a log: that of a workflow, a Makefile or a README, else the tool's usual one."""
    for name, pattern in _COMMANDS.items():
        if tool in {None, name}:
            for path, text in inventory.texts.items():
                for command in _commands(pattern, text):
                    return _completed(name, command, f"{path} has it")
    tasks = [path for path, text in inventory.scripts.items() if "inspect_ai" in text and _INSPECT_TASK.search(text)]
    if tasks and tool in {None, inspect_ai.NAME}:
        return _completed(inspect_ai.NAME, f"inspect eval {min(tasks)}", f"{min(tasks)} has a task of Inspect")
    config = next((name for name in _PROMPTFOO if name in inventory.files), None)
    if config and tool in {None, promptfoo.NAME}:
        return _completed(promptfoo.NAME, "npx promptfoo eval", f"{config} is there")
    return None


def _commands(pattern: str, text: str) -> Iterator[str]:
    """Yield the commands of a text that have no placeholder, a continued line as one."""
    for found in re.finditer(pattern, re.sub(r"\\\r?\n\s*", " ", text)):
        command = _without_open_quote(" ".join(found[0].split()))
        if not _UNKNOWN.search(command):
            yield command


def _without_open_quote(command: str) -> str:
    """Return a command without the quote at its end that was opened before it, as in a string of a workflow."""
    last = command[-1]
    return command[:-1].rstrip() if last in "\"'" and command.count(last) % 2 else command


def _completed(tool: str, command: str, reason: str) -> _Run:
    """Return a command that writes a log of every item, and does not fail because an answer is wrong."""
    if tool == inspect_ai.NAME:
        folder = _option(command, "--log-dir") or "logs"
        form = "json" if _option(command, "--log-format") == "json" else "eval"
        return _Run(command=command, log=f"{folder}/*.{form}", reason=reason)
    if tool == lm_eval.NAME:
        folder = _option(command, "--output_path", "-o") or "results"
        more = "" if _option(command, "--output_path", "-o") else f" --output_path {folder}"
        more += "" if re.search(r" (--log_samples|-s)\b", command) else " --log_samples"
        return _Run(command=command + more, log=f"{folder}/**/samples_*.jsonl", reason=reason)
    if tool == lighteval.NAME:
        folder = _option(command, "--output-dir") or "results"
        more = "" if "--save-details" in command else " --save-details"
        return _Run(command=command + more, log=f"{folder}/details/**/details_*.parquet", reason=reason)
    if tool == promptfoo.NAME:
        log = _option(command, "--output", "-o") or "promptfoo.json"
        more = "" if _option(command, "--output", "-o") else f" --output {log}"
        return _Run(command=f"PROMPTFOO_FAILED_TEST_EXIT_CODE=0 {command}{more}", log=log, reason=reason)
    if tool == deepeval.NAME:
        return _Run(command=f"{command} || true", log=_RESULTS, reason=f"{reason}; it fails where a test case does")
    log = _option(command, "--record_path") or "run.jsonl"
    more = "" if _option(command, "--record_path") else f" --record_path {log}"
    return _Run(command=command + more, log=log, reason=reason)


def _option(command: str, *names: str) -> str | None:
    found = re.search(rf"(?:{'|'.join(map(re.escape, names))})[= ]([\w./-]+)", command)
    return found[1].rstrip("/") if found else None


def _tool_of(run: _Run | None, tool: str | None) -> str | None:
    if run is None or tool is not None:
        return tool
    return next((name for name, pattern in _COMMANDS.items() if re.search(pattern, run.command)), None)


def _pattern(inventory: Inventory, found: _Found | None, run: _Run | None) -> tuple[str, list[str]]:
    """Return `predict.log`, and notes about it."""
    if run is not None:
        return run.log, []
    if found is None:
        raise AssertionError("without logs there is a command")
    first = PurePosixPath(found.paths[0])
    start = "samples_*" if found.tool == lm_eval.NAME else "*"
    pattern = (first.parent / f"{start}{first.suffix}").as_posix()
    matching = [path for path in inventory.files if PurePosixPath(path).match(pattern)]
    words = (
        f"No command that writes the log was found: an earlier step has to write {found.paths[0]}, or name the command "
        f"in `predict.run`."
    )
    if sorted(matching) == sorted(found.paths):
        return pattern, [words]
    if len(found.paths) == 1:
        return found.paths[0], [words]
    return pattern, [f"{words} {pattern} matches older logs, too: remove them, because one task may have one log."]


def _evaluation(found: _Found | None) -> tuple[dict[str, str], list[str]]:
    """Return the entries of `evaluation`, and the slices of which every group can be judged."""
    if found is None:
        return {}, []
    items = _by_item(found.log)
    names = sorted({name for item in found.log.items for name in item.metadata})
    columns = {name: [group_of(one, name) for one in items] for name in names}
    slices = [name for name, values in columns.items() if _is_slice(name, values)][:_MOST_SLICES]
    cluster = next((name for name, values in columns.items() if name not in slices and _is_cluster(name, values)), None)
    entries = {"slices": f"[{', '.join(map(yaml_value, slices))}]"} if slices else {}
    entries |= {"cluster": yaml_value(cluster)} if cluster else {}
    return entries, [name for name in slices if min(_sizes(columns[name])) >= _LEAST_GROUP]


def _by_item(log: ScoreLog) -> list[list[ScoredItem]]:
    found: dict[str, list[ScoredItem]] = {}
    for item in log.items:
        found.setdefault(item.key, []).append(item)
    return list(found.values())


def _sizes(values: Iterable[Scalar]) -> list[int]:
    return list(Counter(value for value in values if value is not None).values())


def _is_slice(name: str, values: Sequence[Scalar]) -> bool:
    """Return whether a metadata value partitions the items into a few groups of some size."""
    sizes = _sizes(values)
    texts = name == TASK or all(isinstance(value, str | bool | None) for value in values)
    return texts and 2 <= len(sizes) <= _MOST_GROUPS and min(sizes) >= len(values) / 50 and min(sizes) >= 4


def _is_cluster(name: str, values: Sequence[Scalar]) -> bool:
    sizes = _sizes(values)
    return bool(_CLUSTER.search(name)) and len(sizes) >= 8 and sum(sizes) >= 1.5 * len(sizes)


def _gates_of_log(log: ScoreLog, slices: Sequence[str]) -> list[ProposedGate]:
    """Return a gate on each of the first scorers, one for the groups of a slice, and limits on errors and cost."""
    items = _by_item(log)
    gates: list[ProposedGate] = []
    for name in _main_scorers(log)[:_MOST_GATES]:
        scores = [[item.scores[name] for item in one if name in item.scores] for one in items]
        scored = [one for one in scores if one]
        limit: Kind = "max_rise" if log.scorers[name].higher_is_better is False else "max_drop"
        if any(not 0 <= score <= 1 for one in scored for score in one):
            reason = "a guess: the scores have no range from 0 to 1; `range` on the gate names another one"
            gates.append(ProposedGate(metric=name, limit=limit, value="5%", reason=reason))
            continue
        gates.append(_gate(name, limit, len(scored), _noise(scored), "items"))
        if len(gates) == 1 and slices:
            values = [group_of(one, slices[0]) for one, known in zip(items, scores, strict=True) if known]
            least = min(_sizes(values), default=0)
            if least >= _LEAST_GROUP:
                gates.append(_gate(name, limit, least, _noise(scored), "items in the smallest group", each=slices[0]))
    if any(item.usage.cost_usd for item in log.items):
        reason = "a guess: what an evaluation may cost more"
        gates.append(ProposedGate(metric="cost_usd", limit="max_rise", value="10%", reason=reason))
    return gates


def _main_scorers(log: ScoreLog) -> list[str]:
    """Return the scorers that have a score; of promptfoo, which counts every assertion in it, `success`."""
    scored = [name for name in log.scorers if any(name in item.scores for item in log.items)]
    return ["success"] if "success" in scored and log.tool.startswith(promptfoo.NAME) else scored


def _noise(scored: Sequence[Sequence[float]]) -> float:
    """Return the variance of an item's change between two equally good systems.

    Repeats show how far an item's mean moves by itself; without them two systems differ on 5 % of the items.
    """
    within = [float(np.var(one, ddof=1)) / len(one) for one in scored if len(one) > 1]
    return max(DISAGREEMENT, 2 * float(np.mean(within))) if within else DISAGREEMENT


def _gate(metric: str, limit: Kind, items: int, variance: float, unit: str, *, each: str | None = None) -> ProposedGate:
    """Return a gate with the smallest margin that a number of items decides; see :mod:`mlci.planning.plan`."""
    change = RateChange(disagreement=variance, evidence=score_change())
    asked = MarginQuestion(
        metric=metric, limit=limit, change=change, rows=items, unit="items", grouped=each is not None
    )
    found = smallest_margin(asked, _MARGINS)
    if found.decided:
        reason = f"decidable with {items:,} {unit} if two equally good systems differ on {variance:.0%} of them"
    else:
        reason = f"{items:,} {unit} can't decide less, and seldom this: it may be inconclusive"
    return ProposedGate(metric=metric, limit=limit, value=f"{found.value:g}", reason=reason, each=each)


def _gates_of_source(inventory: Inventory, tool: str | None) -> list[ProposedGate]:
    """Return gates on the scorers that the sources of the tasks name."""
    if tool == promptfoo.NAME:
        names = ["success"]
    elif tool == inspect_ai.NAME:
        texts = [text for text in inventory.scripts.values() if _INSPECT_TASK.search(text)]
        named = [part for text in texts for part in _INSPECT_SCORER.findall(text)]
        names = [name for part in named for name in re.findall(r"(\w+)\(", part)]
    else:
        names = []
    reason = "a guess: the number of items is not known yet"
    return [
        ProposedGate(metric=name, limit="max_drop", value="0.05", reason=reason)
        for name in list(dict.fromkeys(names))[:_MOST_GATES]
    ]

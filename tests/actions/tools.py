"""Checks by third-party tools: zizmor, check-jsonschema, ShellCheck, GitHub's own parser. Each returns findings."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.actions.tree import ROOT, files, steps

BIN = Path(sys.executable).parent
NODE = ROOT / "tests/node"


def zizmor(tree: Path) -> list[str]:
    """Nothing may be found by the strictest persona; `sealed.ignores` holds what its configuration may ignore."""
    options = ("--offline", "--strict-collection", "--quiet", "--persona", "auditor")
    return _failure("zizmor", *options, ".", cwd=tree)


def schemas(tree: Path) -> list[str]:
    """Actions and workflows are what SchemaStore's schemas say, and every job has a time-out."""
    actions = [file.path for file in files(tree) if file.is_action]
    workflows = [file.path for file in files(tree) if not file.is_action]
    return [
        *_schema("vendor.github-actions", actions, tree),
        *_schema("vendor.github-workflows", workflows, tree),
        *_schema("custom.github-workflows-require-timeout", workflows, tree),
    ]


def _schema(name: str, paths: list[Path], tree: Path) -> list[str]:
    return _failure("check-jsonschema", "--builtin-schema", name, *paths, cwd=tree)


def shellcheck(tree: Path) -> list[str]:
    """ShellCheck reports nothing for any script and any `run:` block, with the options that the block runs with."""
    with tempfile.TemporaryDirectory() as scratch:
        scripts = sorted((tree / "actions").rglob("*.sh"))
        for file in files(tree):
            for number, step in enumerate(step for step in steps(file) if "run" in step):
                script = Path(scratch) / f"{file.shown.replace('/', '-')}.{number}.sh"
                script.write_text(f"#!/usr/bin/env bash\nset -eo pipefail\n{step['run']}\n", "utf-8")
                scripts.append(script)
        return _failure("shellcheck", "--severity", "style", "--external-sources", *scripts, cwd=tree)


def parser(tree: Path) -> list[str]:
    """GitHub's own language service reports no error and no warning."""
    listed = [str(file.path.relative_to(tree)) for file in files(tree)]
    command = ["node", "--import", NODE / "json.mjs", NODE / "validate.mjs", tree]
    done = subprocess.run(
        [*map(str, command), *listed], capture_output=True, text=True, encoding="utf-8", cwd=NODE, check=False
    )
    if done.returncode != 0:
        return [f"node ended with {done.returncode}: {done.stderr.strip()}"]
    return [str(line) for line in json.loads(done.stdout)]


def _failure(tool: str, *arguments: str | Path, cwd: Path) -> list[str]:
    """Run a tool of the environment; return its output if it fails."""
    done = subprocess.run(
        [str(BIN / tool), *map(str, arguments)], capture_output=True, text=True, encoding="utf-8", cwd=cwd, check=False
    )
    return [] if done.returncode == 0 else [f"{done.stdout}\n{done.stderr}".strip() or f"exit status {done.returncode}"]

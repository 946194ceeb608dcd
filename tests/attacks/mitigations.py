"""The product's mitigations by name: what each does, where it is, and what is there once it is removed."""

import base64
import json
import re
import shutil
import struct
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup as SafeHtml

from mlci.commands.comment import CommentEvent
from mlci.commands.grammar import RerunCommand
from mlci.engine.cell_errors import ProblemCollector
from mlci.gates.outcomes import GateOutcome, Outcome
from mlci.operations.publish.sticky_comment import Commits
from mlci.operations.sealed.probes import UsedBudget, next_look
from mlci.publish.runs import read_marker
from mlci.registry import ledger
from mlci.registry.entries import Entry
from mlci.registry.entry_kinds import ProbeRecord
from mlci.registry.manifest import Bundle
from mlci.registry.registry import Registry
from mlci.report import layout
from mlci.report.text.escape import Md
from mlci.sealed import archive
from mlci.sealed.identity import VerifiedHead
from mlci.sealed.label_seal import public_key_of, seal_labels
from mlci.util.bounds import SEALED_LABEL_BYTES
from tests.attacks.mitigation import Mitigation
from tests.support.publish.scene import bad

UNLIMITED = 1 << 60
NOTHING = re.compile(r"(?!)")


def _unread(_text: str, _most: object) -> None:
    """Nothing exceeds a limit."""


def _no(*_arguments: object, **_named: object) -> None:
    """Nothing is wrong."""


def _same(value: Any, *_arguments: object, **_named: object) -> Any:
    return value


def _silent(words: str) -> Callable[[Any], Any]:
    """Return a removal of one of several checks: the one whose message has these words."""

    def wrapped(real: Any) -> Any:
        return lambda self, message, *rest, **named: None if words in message else real(self, message, *rest, **named)

    return wrapped


def _deaf(given: Any) -> Any:
    """Return a collector that keeps no problem, in the place of one that does."""
    return type("Deaf", (ProblemCollector,), {"add": _no})() if isinstance(given, ProblemCollector) else given


def unordered_look(registry: Registry, look: ProbeRecord, per_day: int) -> UsedBudget | None:
    """Decide on the ledger as it was, and append whatever others appended since."""
    found = next_look(registry.view().state.probed, look, per_day)
    if not isinstance(found, UsedBudget):
        registry.append(lambda _: found)
        return None
    return found


def _append(path: Path, data: bytes) -> None:
    with path.open("ab") as stream:
        stream.write(data)


def _read(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(1 << 20)


REFUSE = "mlci.config.yaml_tree:YamlTree.refuse"
MITIGATIONS = {
    # identity and races
    "payload form": Mitigation("an event is one JSON object", "mlci.publish.event:parse_payload", lambda data, path: json.loads(data)),
    "payload constants": Mitigation("an event holds no NaN", "mlci.publish.event:_no_constant", float),
    "payload size": Mitigation("an event's lists, values and nesting are counted before it is parsed", "mlci.util.json_text:excess", _unread),
    "payload bytes": Mitigation("an event's bytes are limited", "mlci.publish.event:MOST_BYTES", UNLIMITED),
    "whole commits": Mitigation("a commit is 40 or 64 hexadecimal digits", "mlci.publish.event:_SHA_TEXT", re.compile(".*", re.DOTALL)),
    "whole numbers": Mitigation("a pull request's number is a positive whole number", "mlci.publish.event:payload_number", lambda parent, key: (parent or {}).get(key)),
    "branch names": Mitigation("a branch has a name that is safe in an address", "mlci.publish.event:payload_branch", lambda parent, key: (parent or {}).get(key)),
    "forks": Mitigation("a head whose repository is not certainly this one is a fork's", "mlci.publish.event:_is_fork", lambda *_: False),
    "checkout of the base": Mitigation("on pull_request_target the checkout does not speak for the head", "mlci.publish.event:Event.commits", lambda self, sha: frozenset(filter(None, (self.head, sha)))),
    "report's own run": Mitigation("a report counts if model, commit and exit code are this run's", "mlci.publish.result:_doubt", _no),
    # shell and log
    "sanitized output": Mitigation("markers of commands are broken in every line of a child's output", "mlci.execution.sanitize:_disarm", _same),
    "sanitized messages": Mitigation("errors and bug reports are sanitized line by line", "mlci.cli.error_handler:_harmless", _same),
    "guarded output": Mitigation("nothing in the whole output is an old command, which mlci never writes", "mlci.cli.standard_output:disarm_old_commands", _same),
    "escaped JSON": Mitigation("strings of JSON hold no old command", "mlci.util.json_text:without_old_commands", _same),
    "sanitized warnings": Mitigation("warnings of libraries, which quote files, are sanitized", "mlci.cli.error_handler:_show_warning", lambda message, category, filename, lineno, file=None, line=None: sys.stderr.write(f"{message}\n")),
    "escaped annotations": Mitigation("an annotation's text and properties are escaped", "mlci.cli.error_handler:_property", _same),
    "delimited outputs": Mitigation("each output stands between random delimiters", "mlci.cli.github_actions:_output", lambda name, value: f"{name}={value}\n"),
    "regular files": Mitigation("the runner's files are appended to if they are regular files, never through a link", "mlci.util.safe_files:append_bounded", _append),
    # configuration and waivers
    "unique keys": Mitigation("a key stands once", REFUSE, wrapped=_silent("stands twice")),
    "finite limits": Mitigation("a number is finite", REFUSE, wrapped=_silent("finite number")),
    "limits in range": Mitigation("a limit that no model can miss is refused", "mlci.config.checks.gates:_range_fault", _no),
    "known keys": Mitigation("an unknown key is refused", "mlci.config.loader:_findings", lambda _: iter(())),
    "checked form": Mitigation("every value has the type and range of its key", "mlci.config.loader:_validate", _no),
    "no aliases": Mitigation("aliases and merge keys are not read", REFUSE, wrapped=_silent("aliases")),
    "no tags": Mitigation("tags are not read", REFUSE, wrapped=_silent("YAML tag")),
    "no directives": Mitigation("directives are not read", "mlci.config.yaml_tree:yaml_directive", _no),
    "one document": Mitigation("a file holds one document", REFUSE, wrapped=_silent("second document")),
    "depth of YAML": Mitigation("nesting is limited", "mlci.config.yaml_tree:DEEPEST", UNLIMITED),
    "values of YAML": Mitigation("values are counted while they are read", "mlci.config.yaml_tree:MOST_NODES", UNLIMITED),
    "bytes of YAML": Mitigation("the configuration's bytes are limited", "mlci.config.loader:MOST_BYTES", UNLIMITED),
    "encoding of YAML": Mitigation("the configuration is UTF-8", "mlci.config.loader:_decode_utf8", lambda data, _: data.decode("utf-8", "replace")),
    "characters of YAML": Mitigation("control characters and hidden line ends are refused", "mlci.config.loader:_control_characters", lambda *_: iter(())),
    "escaped characters of YAML": Mitigation("control characters that are escaped are refused", "mlci.config.yaml_tree:ODD", NOTHING),
    "credentials in addresses": Mitigation("an address with a password, a token or a signature is refused and never quoted", "mlci.config.loader:_refuse_credentials", _no),
    "regular configuration": Mitigation("the configuration is a regular file", "mlci.config.loader:read_bounded_config", _read),
    # metrics and labels
    "one prediction a row": Mitigation("rows are joined by key, and exactly one prediction for each row counts", "mlci.engine.join_keys:KeyIndex.rows", lambda self, parts: np.arange(len(self._key)) % len(parts[0])),
    "fields of CSV": Mitigation("each row has as many fields as the header, whose names are unique", "mlci.engine.tables.csv_json:sql.copied_rows", wrapped=lambda real: lambda connection, query: real(connection, query.replace("strict_mode = true", "strict_mode = false").replace("null_padding = false", "null_padding = true").replace("ignore_errors = false", "ignore_errors = true"))),
    "finite scores": Mitigation("a score is a finite number in every row", "mlci.engine.cell_errors:bad_scores", lambda *_: []),
    "decisions of classes": Mitigation("a decision is one of the classes", "mlci.engine.encode.columns:_class_column", wrapped=lambda real: lambda *given, **named: real(*(_deaf(one) for one in given), **named)),
    "text of tables": Mitigation("a table is UTF-8", "mlci.engine.tables.csv_json:read_header", lambda file: (["id", "p"], ",")),
    "rows left alone": Mitigation("a predict step may not change the rows that it predicts for", "mlci.operations.models.file_guards:FileSnapshot.changed", lambda self: []),
    "predictions beside labels": Mitigation("predictions are not the label of the same file", "mlci.config.checks.sections:_label_as_prediction", _no),
    "baseline of its own": Mitigation("a baseline is not the candidate's own file", "mlci.operations.models.baseline_ref_or_file:refuse_itself", _no),
    "quoted names": Mitigation("names of columns are quoted in SQL", "mlci.engine.sql:quote_name", lambda name: f'"{name}"'),
    "quoted texts": Mitigation("paths and texts are quoted in SQL", "mlci.engine.sql:quote_text", lambda text: f"'{text}'"),
    "inflated size": Mitigation("bytes are counted while a table is unpacked", "mlci.engine.tables.files:copy_bounded", lambda source, out, *_: shutil.copyfileobj(source, out)),
    "columns of tables": Mitigation("the columns of a table in CSV or JSON are counted before it is read", "mlci.engine.tables.csv_json:_WIDEST", {}),
    "metrics that are numbers": Mitigation("a value that should have been a number is refused where a gate needs it", "mlci.execution.metrics_file:_describe_wrong", lambda _: ""),
    "absent metrics": Mitigation("a gated metric that is absent is an error", "mlci.gates.judge:find_absence", lambda *_, **__: GateOutcome(Outcome.PASSED)),
    "disappeared metrics": Mitigation("a metric that disappeared is an error, also without a gate", "mlci.execution.metrics_file:missing_metrics", lambda *_: []),
    "metrics once": Mitigation("a metric stands once in its file", "mlci.execution.metrics_file:_json", lambda text, _: json.loads(text)),
    "size of metrics": Mitigation("values and lists of a metrics file are counted before it is parsed", "mlci.execution.metrics_file:excess", _no),
    "bytes of metrics": Mitigation("a metrics file's bytes are limited", "mlci.execution.metrics_file:LARGEST", UNLIMITED),
    "bytes of slow formats": Mitigation("YAML and TOML of metrics are short, because their parsers are slow", "mlci.execution.metrics_file:LARGEST_YAML", UNLIMITED),
    "safe YAML": Mitigation("metrics in YAML are plain data", "mlci.execution.metrics_file:_yaml", lambda text, _: {"test": {"accuracy": 0.99, "recall": 0.9}} if "!!python" in text else None),
    "depth of metrics": Mitigation("nesting of a metrics file is limited", "mlci.execution.metrics_file:DEEPEST", UNLIMITED),
    "answers of metrics": Mitigation("a custom metric's answer is a regular file of the expected size", "mlci.execution.metric_stage:_bytes", lambda path, most: path.read_bytes()[:most]),
    "reasons of metrics": Mitigation("a custom metric without a finite value has a reason, and its gate is an error", "mlci.execution.metric_stage:_add_reasons", lambda values, reasons: reasons),
    # model files
    "kind of a model by its bytes": Mitigation("a model's format is found by its bytes before it is opened", "mlci.execution.skops_stage:file_kind", lambda _: "skops"),
    "names in an archive": Mitigation("an archive is a skops file by the names inside", "mlci.execution.skops_stage:_archive_kind", lambda _: "skops"),
    "size of an archive": Mitigation("unpacked sizes and members of an archive are limited before it is opened", "mlci.execution.skops_stage:_unpacked_beyond_bounds", _no),
    "types that act": Mitigation("types with side effects are refused, whatever the configuration trusts", "mlci.execution.skops_scorer:acting_types", lambda _: False),
    # environment and secrets
    "withheld variables": Mitigation("tokens and files of the runner, and mlci's own variables, are withheld from the user's commands and from git", "mlci.execution.environment:NEVER_GIVEN", NOTHING),
    "withheld credentials": Mitigation("credentials of the configured registry are withheld from the user's commands and from git", "mlci.execution.environment:list_withheld", lambda *_: []),
    "no hooks": Mitigation("git runs without hooks and file-system monitors", "mlci.git.git:_OPTIONS", ()),
    "git of this checkout": Mitigation("variables that move git to another repository are removed", "mlci.git.git:_ELSEWHERE", NOTHING),
    "isolated processes": Mitigation("processes of mlci's own do not import from the work folder", "mlci.execution.environment:isolated_command", lambda module: (sys.executable, "-m", module)),
    "credentials on the command line": Mitigation("a command line with credentials in an address is refused before anything can quote it", "mlci.cli.error_handler:_refuse_credentials", _no),
    # artifacts
    "digests of a bundle": Mitigation("a bundle's manifest has the digest that was written beside it", "mlci.operations.bundle:_content", lambda path: Bundle.model_validate_json(path.read_bytes())),
    "digests of files": Mitigation("every file of a bundle has the size and the digest of its manifest", "mlci.operations.bundle:_verify", _no),
    "plain files": Mitigation("files of a bundle and of a registry are plain files, never links, pipes or devices", "mlci.util.safe_files:size_or_none", lambda path: path.stat().st_size if path.exists() else None),
    "names inside": Mitigation("a file of a manifest has a relative path that stays in its folder", "mlci.registry.manifest:is_plain_path", lambda _: True),
    "report of the bundle": Mitigation("a bundle's report is about its own model, predictions and rows", "mlci.operations.bundle:_at_odds", _no),
    "consistent reports": Mitigation("a report whose verdict contradicts its gates is refused", "mlci.report.serialization:_contradictions", lambda _: iter(())),
    "plain JSON": Mitigation("a report holds no NaN and no key twice", "mlci.report.serialization:_plain_json", _no),
    "form of reports": Mitigation("a report has the form of the document, and nothing else", "mlci.report.serialization:Report.model_validate_json", lambda *_, **__: bad()),
    "digest of the copy": Mitigation("a copy of a registry is read by a digest that its own job passed on", "mlci.registry.stores.snapshot:hmac.compare_digest", lambda *_: True),
    "form of the copy": Mitigation("the index of a copy has its form", "mlci.registry.stores.snapshot:SnapshotIndex.model_validate_json", lambda *_: None),
    # comment and check
    "escaped Markdown": Mitigation("text from data loses every meaning that Markdown and GitHub give to it", "mlci.report.text.escape:markdown", lambda text, *, longest=120: Md(text)),
    "escaped HTML": Mitigation("text from data is escaped in the page", "mlci.report.text.markup:Html.text", lambda self, text, *, longest=120: SafeHtml(text)),
    "visible characters": Mitigation("control characters, and those without a picture, are shown as their number", "mlci.report.text.escape:visible", _same),
    "commands in plain text": Mitigation("plain texts hold no command for the runner", "mlci.report.text.escape:without_commands", _same),
    "encoded markers": Mitigation("a hidden marker holds no end of its comment", "mlci.report.text.escape:encode_marker", _same),
    "annotations inside": Mitigation("annotations point into the repository", "mlci.publish.check_content:_path", _same),
    "web addresses": Mitigation("a link leads to a web address", "mlci.report.text.escape:web_address", _same),
    "room of a comment": Mitigation("a comment fits, whatever the number of gates", "mlci.report.layout:fit_layout", lambda d, parts, render, *, budget: render(layout.assemble_layout(d, parts, layout.Detail()))),
    "checks of this app": Mitigation("the joint verdict reads the checks of mlci's own app", "mlci.publish.commit_verdict:read_attempts", wrapped=lambda real: lambda checks, *, app: real(checks, app=None)),
    "newest attempt": Mitigation("of one invocation the newest attempt counts, by its run", "mlci.publish.commit_verdict:newest_attempts", lambda found: tuple(sorted(found, key=lambda one: one.id))[-1:]),
    "head of the pull request": Mitigation("the head is read again before the comment, and a verdict on an older commit never replaces one on the head", "mlci.operations.publish.sticky_comment:commits", lambda target, github: Commits(here=github.check_runs(target.head, target.name), current=True)),
    "comments of this app": Mitigation("only comments by mlci's own login are edited", "mlci.publish.comment_choice:own_comments", lambda comments, *, me, model: [one for one in comments if read_marker(one.body) is not None]),
    # registry
    "chain of entries": Mitigation("each entry names the digest of the one before, and its state follows from it", "mlci.registry.ledger:_verified", lambda store, found, replay, last: (ledger.parse_entry(data, number=number, shown="x") for number, data in enumerate(found, 1) if data)),
    "checkpoint": Mitigation("the newest entry is kept apart from the ledger, which may not end before it", "mlci.registry.ledger:_check_checkpoint", _no),
    "digests of entries": Mitigation("an entry that is read has the digest that later entries name", "mlci.registry.ledger:_read_by_digest", lambda store, number, _: ledger.read_entry(store, number)),
    "form of entries": Mitigation("an entry is small, has its number, and is written as mlci writes it", "mlci.registry.ledger:parse_entry", lambda data, *, number, shown: Entry.model_validate_json(data)),
    "form of checkpoints": Mitigation("a checkpoint is a number and a digest", "mlci.registry.stores.interface:parse_checkpoint", lambda data, *, shown: json.loads(data)),
    "digests of stored files": Mitigation("a file of a version has the size and the digest of its manifest", "mlci.registry.stored_files:fetch_file", lambda store, file, target, *, of: store.get(file.digest, target)),
    "digests of descriptions": Mitigation("a manifest has the digest that its entry names", "mlci.registry.stored_files:read_description", lambda store, digest, *, of: store.get(digest, Path("got"))),
    "names of folders": Mitigation("a model's folder has a name that no file system reads as a path or as another model's", "mlci.registry.layout:model_folder", _same),
    "names of stored files": Mitigation("a stored file has the name of a SHA-256", "mlci.registry.layout:file_name", lambda digest: (digest[:2], digest)),
    "registry of its own": Mitigation("a registry that came with a commit is refused", "mlci.cli.registry_factory:_untracked", _no),
    # repository hygiene
    "no expressions in scripts": Mitigation("no expression stands in a `run:`", "tests.actions.rules:expressions", lambda _: []),
    "pinned actions": Mitigation("every action is pinned by commit and on one list", "tests.actions.rules:pins", lambda _: []),
    "no permissions at the top": Mitigation("a workflow grants nothing at its top, and each permission of a job has its reason", "tests.actions.rules:permissions", lambda _: []),
    "writers run no code": Mitigation("a job that may write contents runs no code of the repository", "tests.actions.rules:writers", lambda _: []),
    "nothing outlives a step": Mitigation("no script writes variables or paths for later steps", "tests.actions.rules:portable", lambda _: []),
    "check that always runs": Mitigation("a required check is never filtered or skipped", "tests.actions.gating:triggers", lambda _: []),
    "exit codes that count": Mitigation("no step hides the exit code of a verdict", "tests.actions.gating:verdicts", lambda _: []),
    "auditor of workflows": Mitigation("zizmor in its auditor persona finds nothing", "tests.actions.tools:zizmor", lambda _: []),
    # sealed mode
    "names in the artifact": Mitigation("an artifact holds two named files and nothing else", "mlci.sealed.archive:_check_names", _no),
    "regular entries": Mitigation("an artifact's files are regular, not encrypted, and deflated or stored", "mlci.sealed.archive:_read_entry", wrapped=lambda real: lambda data, fields, raw, start: real(data, (*fields[:3], 0, *fields[4:15], 0, *fields[16:]), raw, start)),
    "end of the artifact": Mitigation("an artifact ends with its directory, and nothing surrounds it", "mlci.sealed.archive:_read_end", lambda data: struct.unpack("<L", data[-6:-2]) + struct.unpack("<H", data[-12:-10])),
    "places in the artifact": Mitigation("an artifact's files follow each other without gaps and overlaps", "mlci.sealed.archive:_check_places", _no),
    "headers in the artifact": Mitigation("a file's header in the artifact is the one that the directory describes", "mlci.sealed.archive:_content_start", lambda data, offset, raw, *_: offset + 30 + len(raw)),
    "sizes in the artifact": Mitigation("bytes are counted while the artifact is inflated, and its checksums compared", "mlci.sealed.archive:Archive.read", lambda self, name: archive._inflate(self.data[self.entries[name].begins : self.entries[name].ends], self.entries[name])),
    "bytes of the artifact": Mitigation("the artifact's bytes are limited", "mlci.sealed.archive:ARTIFACT_BYTES", archive.INFLATED_BYTES),
    "form of sealed predictions": Mitigation("each row of sealed predictions has its cells, each short, and finite decimal numbers", "mlci.sealed.predictions:_check_row", _no),
    "rows of sealed predictions": Mitigation("sealed predictions have no more rows than the evaluation set", "mlci.sealed.predictions:parse_predictions", wrapped=lambda real: lambda pieces, choices, *, rows: real(pieces, choices, rows=UNLIMITED)),
    "lines of sealed predictions": Mitigation("lines of sealed predictions are UTF-8, short, and without carriage returns", "mlci.sealed.predictions:_checked", lambda line, number, most: line),
    "sanitized manifest": Mitigation("the artifact's manifest is only shown, sanitized", "mlci.sealed.manifest:_text", _same),
    "size of the manifest": Mitigation("the artifact's manifest is counted before it is parsed", "mlci.sealed.manifest:excess", _no),
    "refusals of sealed mode": Mitigation("sealed mode refuses settings that run code or believe a number of the pull request", "mlci.sealed.refusals:find_refusals", lambda _: []),
    "workflow of a run": Mitigation("a training run is one of the training workflow, in this repository, for a pull request or a merge group", "mlci.sealed.identity:check_run", _no),
    "pull request of a run": Mitigation("the pull request is found by the head's repository, branch and commit", "mlci.sealed.identity:_is_from", lambda *_: True),
    "head of a run": Mitigation("only the head of a pull request is judged", "mlci.sealed.identity:identify_head", wrapped=lambda real: lambda run, pulls, home: real(run, [replace(one, head_sha=run.head_sha) for one in pulls], home)),
    "base of a run": Mitigation("only pull requests into the default branch are judged", "mlci.sealed.identity:identify_head", wrapped=lambda real: lambda run, pulls, home: real(run, [replace(one, base_branch=home.default_branch) for one in pulls], home)),
    "merge group of a run": Mitigation("a merge group is on a queue's branch of this repository into the default branch", "mlci.sealed.identity:_merge_group", lambda run, home: VerifiedHead(run=run, head=run.head_sha, pull=None)),
    "artifact of a run": Mitigation("the artifact is the only one of its name, of this run's attempt and commit, with a digest", "mlci.sealed.identity:choose_artifact", lambda artifacts, *_: artifacts[0]),
    "labels that are authentic": Mitigation("sealed labels are opened by the key that they were sealed to, and only if no byte of them changed", "mlci.sealed.label_seal:open_seal", lambda *_: b"PAR1PAR1"),
    "form of label keys": Mitigation("a label key has its prefix and length, and is never quoted", "mlci.sealed.label_seal:parse_private_key", lambda _: bytes([7]) * 32),
    "form of sealed labels": Mitigation("a file of sealed labels begins with its name and version, and holds a public key, a commit and base64", "mlci.sealed.label_seal:parse_seal", lambda _: seal_labels(b"PAR1PAR1", public_key_of(f"mlci-label-key-{base64.b64encode(bytes([7]) * 32).decode()}"))),
    "size of sealed labels": Mitigation("the bytes of sealed labels are limited", "mlci.operations.sealed.labels:SEALED_LABEL_BYTES", replace(SEALED_LABEL_BYTES, value=1 << 30)),
    "regular sealed labels": Mitigation("a file of sealed labels is a regular file, never a link or a pipe", "mlci.operations.sealed.labels:read_bounded", lambda path, *_, **__: path.read_bytes()),
    "format of opened labels": Mitigation("what was sealed is the table that `mlci seal` writes; anyone can seal something else to the public key", "mlci.operations.sealed.labels:_PARQUET", b""),
    "rows of the labels": Mitigation("features and labels have the same keys, each once", "mlci.engine.tables.labelled_tables:_join", lambda _connection, features, *_: features),
    "budget of looks": Mitigation("looks of a pull request are counted by its number, on days that never go back, and those of all together have an end", "mlci.operations.sealed.probes:next_look", lambda _before, look, _per_day: look),
    "looks one after the other": Mitigation("of two gates at once the second decides again, on the ledger with the look of the first", "mlci.operations.sealed.probes:record_look", unordered_look),
    "looks that last": Mitigation("without a ledger that outlasts the job and can be written to, nothing is evaluated", "mlci.operations.sealed.probes:_uncounted", _no),
    "looks before evaluations": Mitigation("a look is counted before its evaluation starts, so that a failed one counts", "mlci.operations.sealed.gate:_count", _no),
    "commit of a waiver": Mitigation("a waiver counts for one gate on one commit, until a day", "mlci.gates.waivers:apply_waivers", lambda gates, waivers, **_: tuple(replace(one, outcome=Outcome.WAIVED, blocks=False) for one in gates)),
    "findings that can be waived": Mitigation("errors and missing values cannot be waived", "mlci.gates.waivers:is_waivable", lambda _: True),
    "grammar of commands": Mitigation("a command is the only line of its comment, in a strict grammar", "mlci.commands.grammar:parse_command", lambda _: RerunCommand()),
    "comments of persons": Mitigation("a command is a new comment that a person made on a pull request", "mlci.commands.comment:read_comment_event", lambda name, event: CommentEvent(id=1, pull=1, person="eve", body="x")),
    "roles of commands": Mitigation("a person's role on the repository, by the API, allows the command", "mlci.commands.rules:role_refusal", _no),
    "rules of waivers": Mitigation("a waiver is given for the head, for a year at most, by a maintainer who is not an author", "mlci.commands.rules:waiver_refusal", _no),
    "gates that can be waived": Mitigation("only a blocking finding with a number can be waived, where a registry records it", "mlci.commands.rules:gate_refusal", _no),
}  # fmt: skip

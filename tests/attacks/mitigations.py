"""The product's mitigations by name: what each does, where it is, and what is there once it is removed."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.attacks.mitigation import Mitigation

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
    "escaped annotations": Mitigation("an annotation's text and properties are escaped", "mlci.cli.error_handler:_property", _same),
    "delimited outputs": Mitigation("each output stands between random delimiters", "mlci.cli.github_actions:_output", lambda name, value: f"{name}={value}\n"),
    "regular files": Mitigation("the runner's files are appended to if they are regular files, never through a link", "mlci.util.safe_files:append_bounded", _append),
    # configuration and waivers
    "unique keys": Mitigation("a key stands once", REFUSE, wrapped=_silent("stands twice")),
    "finite limits": Mitigation("a number is finite", REFUSE, wrapped=_silent("finite number")),
    "limits in range": Mitigation("a limit that no model can miss is refused", "mlci.config.gate_checks:_range_fault", _no),
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
}  # fmt: skip

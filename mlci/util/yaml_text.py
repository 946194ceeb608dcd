"""YAML that readers of version 1.1 and of 1.2 read alike: every text is quoted."""

import io
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

_WIDE = 1 << 20  # no line is folded


class _Representer(RoundTripRepresenter):
    """Writes floats with a point, without which readers of YAML 1.1 take ``1e-05`` for a text."""

    def represent_point(self, number: float) -> ScalarNode:
        """Return the node of a float."""
        text = repr(number)
        return self.represent_scalar("tag:yaml.org,2002:float", text if "." in text else text.replace("e", ".0e"))


_Representer.add_representer(float, _Representer.represent_point)


def dump_yaml(document: dict[str, Any]) -> str:
    """Return a document as YAML, its keys in their order."""
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.width = _WIDE
    stream = io.StringIO()
    yaml.dump(_quoted(document), stream)
    return stream.getvalue()


def _quoted(node: Any) -> Any:  # noqa: ANN401 - any part of the document
    if isinstance(node, dict):
        return {key: _quoted(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_quoted(item) for item in node]
    return DoubleQuotedScalarString(node) if isinstance(node, str) else node

"""Constants that a script's expressions are: texts, numbers, paths, and defaults of its command line."""

import ast
import posixpath
from collections.abc import Iterator

from mlci.operations.init.scripts.values import Names, called_name, variable_of

ARGUMENTS = "parse_args()"
"""Entry of the names for what a parser of the command line returns; no variable has this name."""
PARAMETERS = "params.yaml"
"""Entry of the names for the content of files of parameters by path; no variable has this name."""
_LOADERS = {"safe_load", "full_load", "load"}
_FORMATS = {"yaml", "json", "toml", "tomllib", "YAML()", ""}
_PARSERS = {"parse_args", "parse_known_args"}
_OPTIONS = {"option", "argument"}
_TYPER = {"Option", "Argument"}
_ENVIRONMENT = {"getenv", "environ.get"}


def constant_of(node: ast.AST | None, names: Names) -> object:
    """Return the text, number or list of texts that an expression is; ``None`` if the tree does not show it."""
    found: object
    match node:
        case ast.Constant(value=value):
            found = value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            number = constant_of(operand, names)
            found = -number if isinstance(number, int | float) else None
        case ast.List(elts=items) | ast.Tuple(elts=items):
            found = [constant_of(item, names) for item in items]
        case ast.ListComp(elt=ast.Name(id=item), generators=[ast.comprehension(target=ast.Name(id=each), iter=values)]):
            found = constant_of(values, names) if item == each else None  # all of them, whatever its condition
        case ast.BinOp(left=left, right=right, op=operator):
            found = _joined([left, right], names, "/" if isinstance(operator, ast.Div) else "")
        case ast.Call():
            found = _called(node, names)
        case ast.Subscript(value=holder, slice=key):
            entries = _arguments(names) if is_arguments(holder, names) else constant_of(holder, names)
            found = entries.get(_hashable(constant_of(key, names))) if isinstance(entries, dict) else None
        case ast.Attribute(value=holder, attr=name) if is_arguments(holder, names):
            found = _arguments(names).get(name)
        case _:
            known = names.get(variable_of(node) or "") if node is not None else None
            found = known.constant if known is not None and known.kind == "constant" else None
    return found


def _called(call: ast.Call, names: Names) -> object:
    """Return the constant that a call returns: a default, what a file of parameters holds, or a path."""
    if len(call.args) == 2 and ast.unparse(call.func).removeprefix("os.") in _ENVIRONMENT:
        return constant_of(call.args[1], names)
    loaded = _loaded(call, names)
    return _called_path(called_name(call), call.args, names) if loaded is None else loaded


def _hashable(key: object) -> object:
    return key if isinstance(key, str | int | float) else None


def _loaded(call: ast.Call, names: Names) -> object:
    """Return what a call reads from a file of parameters, or takes out of them; ``None`` for any other call."""
    name = called_name(call)
    home = call.func.value if isinstance(call.func, ast.Attribute) else None
    if name == "get" and home is not None and call.args and isinstance(known := constant_of(home, names), dict):
        found = known.get(_hashable(constant_of(call.args[0], names)))
        return constant_of(call.args[1], names) if found is None and len(call.args) > 1 else found
    if name == "params_show":  # of dvc.api
        return _parameters(PARAMETERS, names)
    if name not in _LOADERS or not call.args or (home is not None and ast.unparse(home) not in _FORMATS):
        return None
    path = constant_of(_opened(call.args[0]), names)
    return _parameters(path, names) if isinstance(path, str) else None


def _opened(node: ast.expr) -> ast.expr:
    """Return the path in ``open(path)``, ``Path(path).open()`` and ``open(path).read()``."""
    if not isinstance(node, ast.Call) or called_name(node) not in {"open", "read_text", "read"}:
        return node
    if isinstance(node.func, ast.Attribute):
        return _opened(node.func.value)
    return node.args[0] if node.args else node


def _parameters(path: str, names: Names) -> object:
    """Return the content of a file of parameters: that of the path, or the only one of its name."""
    known = names.get(PARAMETERS)
    files = known.constant if known is not None and isinstance(known.constant, dict) else {}
    wanted = posixpath.normpath(path)
    same = [one for one in files if posixpath.basename(one) == posixpath.basename(wanted)]
    return files.get(wanted, files[same[0]] if len(same) == 1 else None)


def _called_path(name: str, arguments: list[ast.expr], names: Names) -> object:
    """Return the text that a call such as ``os.path.join`` makes; the script's own folder is the empty text."""
    if name in {"abspath", "realpath"} and arguments and isinstance(path := constant_of(arguments[0], names), str):
        return path
    if name in {"dirname", "abspath", "realpath"}:
        return ""
    return _joined(arguments, names, "/") if name in {"join", "Path", "str"} and arguments else None


def _joined(parts: list[ast.expr], names: Names, between: str) -> object:
    texts = [constant_of(part, names) for part in parts]
    if not all(isinstance(text, str) for text in texts):
        return None
    return between.join(str(text) for text in texts if text)


def is_arguments(node: ast.AST, names: Names) -> bool:
    """Return whether an expression is what a parser of the command line returns, such as ``parser.parse_args()``."""
    if called_name(node) == "vars" and isinstance(node, ast.Call) and node.args:
        return is_arguments(node.args[0], names)
    if called_name(node) in _PARSERS:
        return True
    known = names.get(variable_of(node) or "")
    return known is not None and known.kind == "arguments"


def _arguments(names: Names) -> dict[str, object]:
    known = names.get(ARGUMENTS)
    return known.constant if known is not None and isinstance(known.constant, dict) else {}


def declared_argument(call: ast.Call, names: Names) -> tuple[str, object] | None:
    """Return name and default of an argument that ``add_argument`` declares; ``None`` without a constant default."""
    if called_name(call) != "add_argument":
        return None
    return _declared(call, names, "dest")


def parameter_defaults(function: ast.FunctionDef, names: Names) -> dict[str, object]:
    """Return the constants that a function's parameters are by default: its own, those of Click, or those of Typer."""
    positional = function.args.args[len(function.args.args) - len(function.args.defaults) :]
    pairs = [*zip(positional, function.args.defaults, strict=True),
             *zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)]  # fmt: skip
    found = {item.arg: _default(value, names) for item, value in pairs if value is not None}
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and called_name(decorator) in _OPTIONS:
            declared = _declared(decorator, names, "")
            found |= dict([declared]) if declared else {}
    return {name: value for name, value in found.items() if value is not None}


def _default(node: ast.expr, names: Names) -> object:
    if isinstance(node, ast.Call) and called_name(node) in _TYPER:
        first = (
            node.args[0] if node.args else next((item.value for item in node.keywords if item.arg == "default"), None)
        )
        return constant_of(first, names)
    return constant_of(node, names)


def _declared(call: ast.Call, names: Names, named_by: str) -> tuple[str, object] | None:
    """Return name and default of an option: a name without dashes, or the first long one, as argparse and Click do."""
    given = {item.arg: item.value for item in call.keywords}
    default = constant_of(given.get("default"), names)
    name = constant_of(given.get(named_by), names) if named_by in given else next(_option_names(call), None)
    return (name, default) if isinstance(name, str) and default is not None else None


def _option_names(call: ast.Call) -> Iterator[str]:
    texts = [node.value for node in call.args if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    bare = [text for text in texts if not text.startswith("-")]
    long = [text.partition("/")[0] for text in texts if text.startswith("--")]
    for text in (*bare, *long, *texts):
        yield text.lstrip("-").replace("-", "_")

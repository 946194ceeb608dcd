"""Validate windows of production by a pandera schema; run as ``mlci.execution.schemas.process folder`` by the stage.

:mod:`mlci.execution.schemas.stage` writes the request and the rows, and reads the answers as data. A schema in Python
is the user's code, which is imported in this process only, after all imports of mlci.
"""

import importlib.util
import json
import sys
import warnings
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from mlci.execution.environment import add_folders

REQUEST, ANSWERS, ROWS = "request.json", "answers.jsonl", "rows.parquet"
MOST_FAILURES = 100
"""Failed checks of a window that are reported one by one."""
_LONGEST = 300
_LOAD_ERROR = "the schema could not be loaded"
_BROKEN = frozenset({"CHECK_ERROR", "PARSER_ERROR", "SCHEMA_COMPONENT_PARSER", "DATAFRAME_PARSER"})
"""Pandera's reasons of a check or a parser that raised an exception: the rows may be well or not."""
_NAMED = frozenset({"COLUMN_NOT_IN_DATAFRAME", "COLUMN_NOT_IN_SCHEMA"})
"""Pandera's reasons whose failure case is the name of a column."""


def main(folder: Path) -> None:
    """Validate every window of the request, and write one line for each."""
    request = json.loads((folder / REQUEST).read_text("utf-8"))
    with (folder / ANSWERS).open("w", encoding="utf-8") as answers:
        try:
            schema = _load_schema(request)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the schema is the user's code
            answers.write(json.dumps({"problem": f"{_LOAD_ERROR}: {_describe(error)}"}))
            return
        for window in request["windows"]:
            answer = _validate(schema, _read_window(folder, request, window), examples=request["examples"])
            answers.write(json.dumps({"window": window, **answer}) + "\n")
            answers.flush()


def _load_schema(request: dict[str, Any]) -> Any:  # noqa: ANN401 - pandera has several types of schemas
    """Return the schema that the configuration names.

    Raises:
        TypeError: if the name is not a schema.
    """
    import pandera.pandas as pa  # noqa: PLC0415 (a second, and only this process needs it)
    from pandera.io import pandas_io  # noqa: PLC0415 (as above)

    path, name = Path(request["path"]), request["name"]
    if name is None:
        schema: Any = pandas_io.from_yaml(path)
    else:
        add_folders(*request["folders"])
        found: Any = getattr(_import_file(path), name)
        is_model = isinstance(found, type) and issubclass(found, pa.DataFrameModel)
        schema = found.to_schema() if is_model else found  # type: ignore[attr-defined,unused-ignore]
    if not isinstance(schema, pa.DataFrameSchema):
        raise TypeError(f"{name or path.name} is not a DataFrameSchema or a DataFrameModel of pandera")
    for part in (schema, *schema.columns.values()):
        part.drop_invalid_rows = False  # rows that pandera drops are reported as well
    return schema


def _import_file(path: Path) -> Any:  # noqa: ANN401 (a module)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # pandera resolves annotations by the module's name
    spec.loader.exec_module(module)
    return module


def _read_window(folder: Path, request: dict[str, Any], window: str) -> Any:  # noqa: ANN401 (a pandas frame)
    """Return the rows of a window, by their position in the log; text files as ``pandas.read_csv`` reads them."""
    import duckdb  # noqa: PLC0415 (after the request is read)
    import pandas as pd  # noqa: PLC0415 (a second, and only this process needs it)

    query = "SELECT * EXCLUDE (w) FROM read_parquet(?) WHERE w = ? ORDER BY mlci_row"
    frame = duckdb.execute(query, [str(folder / ROWS), window]).df()
    rows = frame.pop("mlci_row")
    if request["is_text"]:
        text = frame.to_csv(index=False)
        frame = pd.read_csv(StringIO(text), keep_default_na=False, na_values=[""], skip_blank_lines=False)
    frame.columns = pd.Index(request["columns"])
    frame.index = pd.Index(rows.to_numpy(), name=None)
    return frame


def _validate(schema: Any, frame: Any, *, examples: int) -> dict[str, Any]:  # noqa: ANN401 (pandera's and pandas' types)
    from pandera.config import ValidationDepth, config_context  # noqa: PLC0415 (as above)
    from pandera.errors import SchemaError, SchemaErrors  # noqa: PLC0415 (as above)

    found: list[Any] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            # a variable of the environment can turn pandera's validation off
            with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
                schema.validate(frame, lazy=True)
        except SchemaErrors as error:
            found = list(error.schema_errors)
        except SchemaError as error:
            found = [error]
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the schema is the user's code
            return {"rows": len(frame), "failed": 0, "failures": [], "errors": [_describe(error)], "notes": []}
    broken = [error for error in found if _reason(error) in _BROKEN]
    failures = [one for error in found if error not in broken for one in _failures(error, frame, examples=examples)]
    positions = {row for one in failures for row in one.pop("positions")}
    return {
        "rows": len(frame),
        "failed": len(positions),
        "failures": failures[:MOST_FAILURES],
        "more": max(len(failures) - MOST_FAILURES, 0),
        "errors": [f"{_column(error)}{_check_name(error)} raised: {_describe_cases(error)}" for error in broken[:5]],
        "notes": sorted({str(one.message)[:_LONGEST] for one in caught if _is_panderas(one.category)})[:5],
    }


def _is_panderas(category: type[Warning]) -> bool:
    """Check if a warning is that of a check with ``raise_warning``."""
    return category.__module__.startswith("pandera.")


def _failures(error: Any, frame: Any, *, examples: int) -> Iterator[dict[str, Any]]:  # noqa: ANN401 (as above)
    """Yield a failed check with its rows; a check of the whole column has none."""
    if _reason(error) in _NAMED:
        for name in _cases(error, "failure_case"):
            yield {"column": str(name)[:_LONGEST], "check": _check_name(error), "count": None, "examples": []} | {
                "positions": []
            }
        return
    known = set(frame.index)
    rows = sorted({int(row) for row in _cases(error, "index") if row in known})
    of_rows = rows or None
    yield {
        "column": _column_name(error),
        "check": _check_name(error),
        "count": None if of_rows is None else len(rows),
        "examples": rows[:examples],
        "positions": rows,
    }


def _cases(error: Any, column: str) -> list[Any]:  # noqa: ANN401 (as above)
    """Return a column of a failed check's cases; empty if it has none."""
    import pandas as pd  # noqa: PLC0415 (as above)

    cases = error.failure_cases
    if isinstance(cases, pd.DataFrame):
        return [one for one in cases[column].tolist() if not pd.isna(one)] if column in cases.columns else []
    return [cases] if cases is not None and column == "failure_case" else []


def _reason(error: Any) -> str:  # noqa: ANN401 (as above)
    return getattr(error.reason_code, "name", "")


def _column_name(error: Any) -> str | None:  # noqa: ANN401 (as above)
    """Return the column of a failed check; ``None`` for a check of the whole table."""
    from pandera.api.pandas.array import ArraySchema  # noqa: PLC0415 (as above)

    name = error.schema.name if isinstance(error.schema, ArraySchema) else None
    return None if name is None else str(name)[:_LONGEST]


def _column(error: Any) -> str:  # noqa: ANN401 (as above)
    name = _column_name(error)
    return "" if name is None else f"{name}: "


def _check_name(error: Any) -> str:  # noqa: ANN401 (as above)
    check = error.check
    shown = check if isinstance(check, str) else getattr(check, "error", None) or getattr(check, "name", None)
    return str(shown or "check")[:_LONGEST]


def _describe_cases(error: Any) -> str:  # noqa: ANN401 (as above)
    return str(next(iter(_cases(error, "failure_case")), error))[:_LONGEST]


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:_LONGEST]


if __name__ == "__main__":
    main(Path(sys.argv[1]))

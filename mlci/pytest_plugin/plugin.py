"""Fixtures and hooks that pytest loads: nothing else of mlci is imported until a test asks for a fixture."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import pandas as pd

    from mlci.api.compare import ModelComparison
    from mlci.pytest_plugin.budgets import CostBudgets
    from mlci.pytest_plugin.models import LoadedModels, ModelUnderTest

_VARIABLE = "MLCI_TESTS"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names the configuration."""
    group = parser.getgroup("mlci", "behavioural tests of a model")
    group.addoption(
        "--mlci-config",
        metavar="PATH",
        default="mlci.yml",
        help="Configuration that the fixtures candidate, baseline and evaluation read, e.g. models/churn/mlci.yml.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Record the outcomes of all tests if `mlci run` started this session; workers of pytest-xdist send theirs."""
    session = os.environ.get(_VARIABLE)
    if session and not hasattr(config, "workerinput"):
        from mlci.pytest_plugin.recorder import BehaviourRecorder  # noqa: PLC0415 (only under `mlci run`)

        config.pluginmanager.register(BehaviourRecorder(Path(session).parent), "mlci-recorder")


@pytest.fixture(scope="session")
def _mlci_models(request: pytest.FixtureRequest) -> "LoadedModels":
    from mlci.pytest_plugin.models import load_models  # noqa: PLC0415 (see above)

    named = Path(str(request.config.getoption("--mlci-config")))
    folders = (request.config.invocation_params.dir, request.config.rootpath)
    found = next((folder / named for folder in folders if (folder / named).is_file()), named)
    session = os.environ.get(_VARIABLE)
    return load_models(found, session=Path(session) if session else None)


@pytest.fixture(scope="session")
def candidate(_mlci_models: "LoadedModels") -> "ModelUnderTest":
    """Return the candidate: its predictions for the evaluation set, and `predict` for other rows."""
    return _mlci_models.candidate


@pytest.fixture(scope="session")
def baseline(_mlci_models: "LoadedModels") -> "ModelUnderTest":
    """Return the baseline: its predictions for the evaluation set; a run without one skips the test."""
    if _mlci_models.session.baseline is None and os.environ.get(_VARIABLE):
        from mlci.inference.result import NEEDS_BASELINE  # noqa: PLC0415 (see above)

        pytest.skip(NEEDS_BASELINE)
    return _mlci_models.baseline()


@pytest.fixture
def evaluation(_mlci_models: "LoadedModels") -> "pd.DataFrame":
    """Return a copy of the evaluation set as a pandas frame with its labels; the key is its index."""
    return _mlci_models.rows.copy()


@pytest.fixture(scope="session")
def mlci_report(_mlci_models: "LoadedModels") -> "ModelComparison":
    """Return the report of this run, or without one that of the last run: verdict, metrics, gates, `to_frame()`."""
    return _mlci_models.report()


@pytest.fixture
def mlci_budget(request: pytest.FixtureRequest, _mlci_models: "LoadedModels") -> "CostBudgets":
    """Return the budgets of this test: latency and memory of the candidate, in interleaved runs with the baseline."""
    from mlci.pytest_plugin.budgets import CostBudgets  # noqa: PLC0415 (see above)

    return CostBudgets(_mlci_models.loaded.config.policy.confidence, request.node.user_properties)

"""``python -m mlci.cli.extras mlci.yml``: optional extras to install for a configuration."""

import sys
from pathlib import Path

from mlci.config.models import Config, Gate, Reported
from mlci.config.read import load
from mlci.config.types import GITHUB, MLFLOW, STORES
from mlci.errors import MlciError
from mlci.metrics import catalogue
from mlci.sealed.label_seal import is_sealed

_STORES = ("s3://", "gs://")
_ARROW = (".feather", ".arrow")
_BUCKETS = tuple(f"{scheme}://" for scheme in STORES)


def main(arguments: list[str]) -> int:
    """Print the extras, one a line; none if the configuration has errors, which the run itself reports."""
    try:
        config = load(Path(arguments[0]), catalogue).config
    except MlciError:
        return 0
    print(*extras(config), sep="\n")  # noqa: T201 (its only purpose)
    return 0


def extras(config: Config) -> list[str]:
    """Return the optional dependencies in ``pyproject.toml`` that a run of this configuration imports.

    ``metrics``: metrics of scikit-learn or of the user, and saved scikit-learn models. ``remote``: tables in object
    stores and Feather files. ``github``: a registry in the repository itself, sealed labels, required approvals.
    ``objects``: a registry in an object store. ``mlflow``: a registry in MLflow. ``schema``: a schema of pandera for
    rows of production. ``energy``: energy of steps.
    """
    reported = (config.evaluation and config.evaluation.reported) or ()
    entries: list[Gate | Reported] = [*config.gates, *reported]
    scikit_learn = config.predict.model is not None or any(
        catalogue.find(item.metric) is None or (item.params and catalogue.find_disparity(item.metric) is None)
        for item in entries
    )
    rows = (config.evaluation.data, config.evaluation.labels) if config.evaluation else ()
    production = (config.monitor.data, config.monitor.labels) if config.monitor else ()
    experiment = (config.experiment.data, config.experiment.counts) if config.experiment else ()
    tables = (*rows, config.predict.file, getattr(config.baseline, "file", None), *production, *experiment)
    remote = any(table.startswith(_STORES) or table.lower().endswith(_ARROW) for table in tables if table)
    place = config.registry
    sealed = config.evaluation is not None and is_sealed(config.evaluation.labels)
    asks_github = place == GITHUB or sealed or config.require_approval is not None
    registry = ["github"] * asks_github + ["objects"] * place.startswith(_BUCKETS)
    registry += ["mlflow"] * place.startswith(MLFLOW)
    schema = ["schema"] * (config.monitor is not None and config.monitor.pandera is not None)
    energy = ["energy"] * (config.cost is not None and config.cost.energy)
    return ["metrics"] * scikit_learn + ["remote"] * remote + registry + schema + energy


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

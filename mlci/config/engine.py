"""Section ``engine`` of ``mlci.yml``: where rows are evaluated."""

from typing import Annotated

from pydantic import Field

from mlci.config.base import ConfigModel, Name
from mlci.config.types import Scalar

Master = Annotated[str, Field(min_length=1, max_length=4_096, pattern=r"^(local|yarn|k8s://|spark://|sc://|mesos://)")]
Settings = Annotated[dict[Name, Scalar], Field(max_length=200)]


class SparkSection(ConfigModel):
    """Session of Spark; both keys may be omitted if there is a session already, as in a notebook or `spark-submit`."""

    master: Master | None = Field(
        default=None, description="Address of the cluster; if omitted, the session that is there, or `spark-submit`'s."
    )
    conf: Settings = Field(default={}, description="Settings of Spark for a session that mlci starts.")


class EngineSection(ConfigModel):
    """Engine that evaluates the rows, if it is not the embedded one."""

    spark: SparkSection = Field(description="Spark: statistics are computed where the rows are.")

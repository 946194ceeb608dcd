"""Section ``cost`` of ``mlci.yml``: prices of runners."""

from typing import Annotated

from pydantic import Field

from mlci.config.base import ConfigModel, Name
from mlci.config.types import Finite

Price = Annotated[Finite, Field(ge=0, le=1_000)]


class Cost(ConfigModel):
    """Prices that GitHub's price table does not have, or that differ from it."""

    runners: dict[Name, Price] = Field(
        default={},
        description="USD per minute by runner: GitHub's billing SKU, `self-hosted`, `local`, or a pattern of names.",
    )

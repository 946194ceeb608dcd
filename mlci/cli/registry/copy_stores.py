"""Stores of copies of the registry, by an address on the command line.

A copy may need other credentials than the registry. A variable with :data:`PREFIX` before its name, such as
``MLCI_BACKUP_AWS_ACCESS_KEY_ID``, replaces the variable without it for the copy alone.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from mlci.cli.registry_factory import build_store
from mlci.config.loader import LoadedConfig
from mlci.config.types import Registry as RegistryAddress
from mlci.errors import InputError
from mlci.registry.stores.interface import Store

PREFIX = "MLCI_BACKUP_"
_MOST_SHOWN = 200


def open_copy(loaded: LoadedConfig, url: str, registry: Store | None) -> Store:
    """Return the store of a copy, without sending a request.

    Args:
        loaded: The configuration, which names the model.
        url: Address as in ``registry:``; a folder is relative to the current one.
        registry: The registry itself, which the copy must not be; ``None`` if it is not used.

    Raises:
        InputError: if it is not an address, or is the registry's own.
    """
    try:
        address = TypeAdapter(RegistryAddress).validate_python(url)
    except ValidationError as error:
        raise InputError(f"{url[:_MOST_SHOWN]!r}: {error.errors()[0]['msg']}") from None
    config = loaded.config.model_copy(update={"registry": address})
    store = build_store(replace(loaded, config=config), Path(), copy_environment(os.environ))
    if registry is not None and store.shown == registry.shown:
        raise InputError(f"{store.shown} is the registry itself; name another place for the copy")
    return store


def copy_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables for the store of a copy."""
    own = {name.removeprefix(PREFIX): value for name, value in environment.items() if name.startswith(PREFIX)}
    return {**environment, **own}

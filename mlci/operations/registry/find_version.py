"""Find a version of the registry by its number, or the one in production."""

from mlci.errors import InputError
from mlci.registry.registry import RegistryView, Version


def find_version(view: RegistryView, number: int | None = None) -> Version:
    """Return a version, verified; without a number the one in production.

    Raises:
        InputError: if it does not exist.
        CorruptError: if it is damaged.
        OutsideError: if the registry can't be reached.
    """
    wanted = number if number is not None else view.state.champion
    if wanted is None:
        raise InputError(f"{view.shown} has no version yet; promote one:\n    mlci run\n    mlci promote")
    try:
        return view.version(wanted)
    except LookupError as error:
        raise InputError(f"{view.shown} has no version {wanted}; `mlci versions` lists them") from error

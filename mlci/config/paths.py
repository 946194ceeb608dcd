"""Paths to keys of a configuration, and how they are shown."""

Path = tuple[str | int, ...]


def dotted(path: Path) -> str:
    """Return a path as people write it, e.g. ``gates[0].max_drop``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{clip(part.split(chr(0))[0])}" for part in path)
    return text.removeprefix(".")


def clip(text: str, most: int = 60) -> str:
    """Return ``text`` on one line, at most ``most`` characters long."""
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"

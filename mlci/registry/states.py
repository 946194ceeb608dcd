"""Which entry can follow which state, and the state after it. Pure."""

from typing import assert_never

from mlci.registry.entries import Body, Promotion, Reproduced, Rescored, Rollback, State, Verdict


def after(state: State, body: Body, *, number: int) -> State:
    """Return the state after an entry.

    Raises:
        ValueError: The entry can't follow that state.
    """
    changed: dict[str, object]
    match body:
        case Promotion(version=version, replaced=replaced):
            if version != state.versions + 1 or replaced != state.champion:
                raise ValueError(f"version {version} was judged against {replaced}, the champion is {state.champion}")
            promoted = {**state.promoted, str(version): number}
            changed = {"champion": version, "versions": version, "decided": number}
            changed |= {"promoted": promoted, "rescored": {}}
        case Rollback(version=version, replaced=replaced):
            if str(version) not in state.promoted or replaced != state.champion:
                raise ValueError(f"roll-back from {replaced} to {version}: the champion is {state.champion}")
            if version == replaced:
                raise ValueError(f"roll-back from {replaced} to itself: that version is the champion already")
            changed = {"champion": version, "decided": number, "rescored": {}}
        case Verdict(fingerprint=fingerprint, again=again):
            changed = {} if again else {"uses": {**state.uses, fingerprint: state.uses.get(fingerprint, 0) + 1}}
        case Rescored(version=version, fingerprint=fingerprint):
            _known(state, version)
            champion = version == state.champion
            changed = {"rescored": {**state.rescored, fingerprint: number}} if champion else {}
        case Reproduced(version=version, runs=runs):
            _known(state, version)
            changed = {"reproduced": {**state.reproduced, str(version): number}} if runs > 1 else {}
        case _:
            assert_never(body)
    return state.model_copy(update=changed)


def _known(state: State, version: int) -> None:
    if str(version) not in state.promoted:
        raise ValueError(f"there is no version {version}")

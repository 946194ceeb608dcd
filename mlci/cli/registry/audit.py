"""The audit of a ledger, its entries and its newest drill as lines of text."""

from mlci.registry.entries import Entry
from mlci.registry.entry_kinds import (
    CostRecord,
    DrillRecord,
    ErasureRecord,
    LookRecord,
    MonitorRecord,
    PredictionsAdded,
    ProbeRecord,
    Promotion,
    ReproductionRecorded,
    Rollback,
    VerdictRecord,
    WaiverRecord,
)
from mlci.registry.errors import CorruptError
from mlci.registry.registry import RegistryView
from mlci.registry.verification import RegistryAudit, seconds_between
from mlci.report.text.number_format import format_duration, pluralize


def _drill_outcome(body: DrillRecord) -> str:
    champion = "no version" if body.version is None else f"version {body.version}"
    return f"{champion}{', retrained' if body.retrained else ''}, {body.agreement}"


def drill_summary(view: RegistryView, now: str) -> str | None:
    """Return the newest recorded drill in one line, with the age of what it restored; ``None`` without one."""
    number = view.state.drilled
    if number is None:
        return None
    entry = view.entry(number)
    if not isinstance(entry.body, DrillRecord):
        raise CorruptError(f"{view.shown}: entry {number} should record a drill and does not")
    body = entry.body
    ages = [format_duration(seconds_between(at, now)) for at in (entry.at, body.newest_at)]
    later = pluralize(max(number - 1 - body.entry, 0), "entry", "entries")
    return (
        f"last drill: {ages[0]} ago, {_drill_outcome(body)}; the newest state that it restored is entry {body.entry}, "
        f"{ages[1]} old; the registry had {later} beyond it"
    )


def audit_summary(found: RegistryAudit, *, contents: bool) -> str:
    """Return the result in one line."""
    state = found.state
    champion = "none is in production" if state.champion is None else f"version {state.champion} is in production"
    how = "read and whole" if contents else "there"
    parts = (
        pluralize(found.entries, "entry", "entries"),
        pluralize(state.versions, "version"),
        pluralize(found.files, "file"),
    )
    erased = f"; {pluralize(found.erased, 'file')} erased on purpose" if found.erased else ""
    return f"the ledger is whole: {', '.join(parts)} {how}{erased}; {champion}"


def audit_text(entry: Entry) -> str:
    """Describe the decision of an entry in one line."""
    match entry.body:
        case VerdictRecord(verdict=verdict, against=against, again=again, fingerprint=fingerprint):
            compared_with = "" if against is None else f" against version {against}"
            return f"judged {verdict}{compared_with} on {fingerprint[:19]}{', the same as before' if again else ''}"
        case Promotion(version=version, replaced=replaced, note=note):
            before = "the first version" if replaced is None else f"instead of version {replaced}"
            return f"promoted version {version}, {before}{f': {note}' if note else ''}"
        case Rollback(version=version, replaced=replaced, reason=reason):
            return f"rolled back from version {replaced} to {version}: {reason}"
        case PredictionsAdded(version=version, fingerprint=fingerprint):
            return f"scored version {version} on {fingerprint[:19]}"
        case ReproductionRecorded(version=version, outcome=outcome):
            return f"trained version {version} again: {outcome}"
        case body:
            return _record_text(body)


def _record_text(
    body: WaiverRecord | ProbeRecord | LookRecord | MonitorRecord | CostRecord | ErasureRecord | DrillRecord,
) -> str:
    """Describe what was recorded about a commit of a pull request, a run, production, erased files, or a backup."""
    if isinstance(body, DrillRecord):
        return f"restored a backup that ends at entry {body.entry}, in {body.seconds:,} s: {_drill_outcome(body)}"
    if isinstance(body, MonitorRecord):
        return f"monitored version {body.version} until the window of {body.window}: {body.outcome}"
    if isinstance(body, CostRecord):
        price = "an unknown price" if body.micro_usd is None else f"{body.micro_usd / 1_000_000:.4f} USD"
        return f"counted a run in {body.month}: {pluralize(body.minutes, 'minute')} on {body.runner} for {price}"
    if isinstance(body, ErasureRecord):
        return f"erased {pluralize(len(body.digests), 'file')}: {body.reason}"
    if isinstance(body, WaiverRecord):
        return f"{body.person} waived {body.gate} on {body.head[:7]} until {body.until}: {body.reason}"
    return _look_text(body)


def _look_text(body: ProbeRecord | LookRecord) -> str:
    """Describe a look at an evaluation set, or at sealed labels."""
    if isinstance(body, LookRecord):
        return f"counted a look at {body.fingerprint[:19]}: predictions {body.predictions[:12]}, level {body.alpha:.3g}"
    head = body.head[:7]
    return f"counted an evaluation of pull request {body.pull} on {body.day}: {head}, run {body.run}.{body.attempt}"

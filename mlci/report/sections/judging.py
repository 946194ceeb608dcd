"""Line about files that a pull request changes and that decide its judging: ignored in sealed mode, else used."""

from mlci.report.document import Judging, Report
from mlci.report.text import number_format
from mlci.report.text.markup import Markup
from mlci.report.text.tables import Section

_SHOWN = 8


def judging_section(d: Markup, report: Report) -> list[Section]:
    """Name the changed files and say whether they decided this report; nothing if there are none."""
    judging = report.judging
    if judging is None or not (judging.changes or judging.unlisted):
        return []
    if not judging.changes:
        return [
            Section("judging", d.number("Files that were not compared"), lines=(_unlisted(d, judging),), folded=False)
        ]
    title = "Changes its own judging" if judging.used else "Changes its own judging; ignored"
    return [Section("judging", d.number(title), lines=(_sentence(d, judging),), folded=False)]


def _sentence(d: Markup, judging: Judging) -> str:
    shown = judging.changes[:_SHOWN]
    listed: list[str] = [d.words("{} ({})", d.code(one.path), d.number(one.what)) for one in shown]
    left = len(judging.changes) - len(shown) + judging.more
    more = f" and {number_format.format_count(left)} more" if left else ""
    means = (
        "They were used for this report, so a maintainer has to look at them before the merge."
        if judging.used
        else "They were ignored: configuration, labels, workflows and baseline are those of the default branch."
    )
    names = d.words("{}{}", d.join(", ", listed), d.number(more))
    said = d.words("This change touches what it is judged by: {}. {}", names, d.number(means))
    return d.words("{} {}", said, _unlisted(d, judging)) if judging.unlisted else said


def _unlisted(d: Markup, judging: Judging) -> str:
    count = number_format.pluralize(judging.unlisted, "more file", "more files")
    return d.number(
        f"GitHub does not list {count} of this change, so it is not known if it touches what it is judged by: "
        "a maintainer has to look at them before the merge."
    )

"""README and documents against the code: configurations are valid, links and commands exist."""

import re
from pathlib import Path

import pytest

from mlci.config.loader import parse_config
from mlci.config.read import check_configuration
from mlci.metrics import catalogue

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES += [ROOT / "examples" / "README.md", *sorted((ROOT / "examples").glob("*/README.md"))]


def blocks(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def test_configurations__of_every_document():
    texts = {(page.name, text) for page in PAGES for text in blocks(page, "yaml") if text.startswith("model:")}
    assert {"README.md", "tutorial.md", "gate-fairness.md"} <= {name for name, _ in texts}
    for name, text in texts:
        assert check_configuration(parse_config(text, path=name), catalogue) == [], name


def test_readme__configuration_runs(tmp_path, monkeypatch, capsys):
    from mlci.cli.main import main  # noqa: PLC0415 (its imports are not every test's)

    (text,) = (block for block in blocks(ROOT / "README.md", "yaml") if block.startswith("model:"))
    rows = [(i, i % 3 == 0, ("north", "south")[i % 2]) for i in range(400)]
    (tmp_path / "mlci.yml").write_text(text, "utf-8")
    table = "\n".join(f"{i},{int(y)},{region}" for i, y, region in rows)
    (tmp_path / "holdout.csv").write_text(f"loan_id,defaulted,region\n{table}\n", "utf-8")
    for name, shift in (("candidate", 0.1), ("production", 0.0)):
        scores = "\n".join(f"{i},{(0.6 if y else 0.3) + shift * ((i * 7) % 10) / 10:.3f}" for i, y, _ in rows)
        (tmp_path / f"{name}.csv").write_text(f"loan_id,score\n{scores}\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(["run"])
    assert stop.value.code == 0, capsys.readouterr().err
    assert {path.name for path in (tmp_path / ".mlci" / "out").iterdir()} >= {"report.json", "comment.md", "summary.md"}


LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s#]*)#?([^)\s]*)\)")
GUIDES = re.compile(r"(?:blob/main/|[\s`\"(])(docs/[\w/-]+\.md)")
NAMING = ("mlci", "templates", "actions", ".github", "action.yml", "benchmarks", "Makefile", "CHANGELOG.md")


def anchors(page):
    """Return the anchors that GitHub gives the headings of a page."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(page):
    for target, anchor in LINK.findall(page.read_text("utf-8")):
        place = page.parent / target if target else page
        if "://" not in target and (not place.exists() or (anchor and anchor not in anchors(place))):
            yield f"{target}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links__pages_and_headings_exist(page):
    assert list(broken_links(page)) == []


def test_broken_links__planted(tmp_path):
    (tmp_path / "a.md").write_text(
        "# One & two\n[x](b.md) [y](#one--two) [z](#three) [w](a.md#four) [v](https://b.md)\n"
    )
    assert list(broken_links(tmp_path / "a.md")) == ["b.md#", "#three", "a.md#four"]


def test_pages__named_in_code_and_messages_exist():
    named = {}
    for place in (ROOT / name for name in NAMING):
        for path in [place] if place.is_file() else place.rglob("*"):
            if path.suffix in {".py", ".yml", ".j2", ".json", ".sh", ".md", ""} and path.is_file():
                named |= dict.fromkeys(GUIDES.findall(path.read_text("utf-8", errors="replace")), path.name)
    assert {page: by for page, by in named.items() if not (ROOT / page).exists()} == {}
    assert len(named) > 3


def test_readme__commands_exist():
    targets = re.findall(r"^make ([a-z]+)", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert targets
    assert all(f"\n{target}:" in makefile for target in targets)


def test_metrics_page__up_to_date(capsys):
    from mlci.cli.main import main  # noqa: PLC0415 (as above)

    with pytest.raises(SystemExit):
        main(["metrics", "--markdown"])
    assert capsys.readouterr().out == (ROOT / "docs" / "reference" / "metrics.md").read_text("utf-8")


def test_readme__picture_of_the_demo(tmp_path, monkeypatch, capsys):
    from mlci.cli.main import main  # noqa: PLC0415 (as above)

    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(["demo", "--regress"])
    assert stop.value.code == 1
    text = (ROOT / "README.md").read_text("utf-8")
    (heading,) = re.findall(
        r"^!\[❌ (diabetes-progression: [^.]+)\. .*\]\(docs/images/comment.png\)$", text, re.MULTILINE
    )
    (needed,) = re.findall(r"about (\d+) labelled\s+positives", text)
    printed = capsys.readouterr().out
    assert f"✗ {heading}" in printed.splitlines()
    assert f"about {needed} labelled positives" in " ".join(printed.split())

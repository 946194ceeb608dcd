import re
from pathlib import Path

from mlci.operations.doctor.checks.security import _PUBLISHES, _READ, _VERIFIES

ROOT = Path(__file__).parents[3]
CHECKS = ROOT / "mlci" / "operations" / "doctor" / "checks"
PAGE = (ROOT / "docs" / "how-to" / "workflows" / "check-a-setup.md").read_text("utf-8")
PERMISSIONS = {f"permission-{need.name}-missing" for need in (_READ, *_PUBLISHES, _VERIFIES)}
POINTERS = {
    f"{part}-{tool}{end}" for tool in ("lfs", "dvc") for part, end in (("data", "-pointer"), ("workflow-without", ""))
}


def names():
    """Return the names of findings that the checks spell out, and those that they compose."""
    files = (*CHECKS.glob("*.py"), CHECKS.parent / "false_blocks.py")
    text = "".join(path.read_text("utf-8") for path in files)
    spelled = re.findall(r'name="([a-z]+(?:-[a-z]+)+)"', text)
    chosen = re.findall(r'(?:name="|else ")((?:pin|permission)-[a-z-]+)"', text)
    return {*spelled, *chosen, *PERMISSIONS, *POINTERS}


def test_page__lists_every_finding():
    table = PAGE.partition("| finding | cause |")[2]
    listed = {name for row in table.splitlines() for name in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", row.split(" | ")[0])}
    assert listed == names()
    assert len(listed) > 60

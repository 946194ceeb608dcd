"""Templates are found in every installation: a wheel, an editable install, or a checkout."""

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import jinja2
import pytest

from mlci.report import templating
from mlci.report.comment import render_comment
from mlci.report.serialization import dump_report
from mlci.report.text.escape import Md
from tests.support.report_cases import mixed

ROOT = Path(__file__).resolve().parents[2]
SHOW = """
import sys
sys.path[:0] = sys.argv[1:3]
from mlci.report import comment, serialization, templating
print(templating.template_folder(), file=sys.stderr)
sys.stdout.buffer.write(comment.render_comment(serialization.parse_report(sys.stdin.buffer.read())).encode())
"""


def from_layout(folder):
    """Run without site hooks, so that the editable installation of this checkout is not seen."""
    libraries = sysconfig.get_path("purelib")
    done = subprocess.run(
        [sys.executable, "-S", "-c", SHOW, str(folder), libraries],
        input=dump_report(mixed()).encode(),
        capture_output=True,
        check=True,
        cwd=folder,
    )
    assert Path(done.stderr.decode().strip()).is_relative_to(folder)
    return done.stdout.decode()


def lay_out(folder, templates):
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "mlci", folder / "mlci", ignore=ignore)
    shutil.copytree(ROOT / "templates", folder / templates, ignore=ignore)
    return folder


@pytest.mark.parametrize("templates", ["mlci/templates", "templates"], ids=["wheel", "checkout"])
def test_templates__every_layout(tmp_path, templates):
    assert from_layout(lay_out(tmp_path, templates)) == render_comment(mixed())


def test_templating__misspelt_name():
    with pytest.raises((jinja2.UndefinedError, TypeError)):
        templating._environment().from_string("{{ report.headin }}").render(report=object())


def test_templating__unescaped_text():
    template = templating._environment().from_string("{{ text }}")
    assert template.render(text=Md("a&#124;b")) == "a&#124;b"
    with pytest.raises(TypeError, match="not escaped"):
        template.render(text="a|b")


def test_templates__print_views_only():
    for path in (ROOT / "templates" / "report").glob("*.md.j2"):
        roots = set(re.findall(r"{{ *(\w+)", path.read_text(encoding="utf-8")))
        assert roots <= {"marker", "report", "section", "table", "header", "cell", "line"}

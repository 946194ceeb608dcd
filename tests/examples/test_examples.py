import re
import shutil

import pytest

from mlci.config.loader import parse_config
from mlci.config.read import check_configuration
from mlci.metrics import catalogue
from tests.examples.__main__ import EXAMPLES, changed_data
from tests.support.repository import git
from tests.support.shell_blocks import Command, missing_outputs, read_commands, run_commands

FOLDERS = sorted(page.parent for page in EXAMPLES.glob("*/README.md"))


def test_configurations__of_every_example():
    paths = sorted(EXAMPLES.rglob("mlci.yml"))
    assert len(paths) > len(FOLDERS)
    assert {path.parent.name: check_configuration(parse_config(path.read_text("utf-8"), path=path.name), catalogue)
            for path in paths} == {path.parent.name: [] for path in paths}  # fmt: skip


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_example__one_change_is_blocked_and_one_passes(folder, tmp_path):
    text = (folder / "README.md").read_text("utf-8")
    commands = read_commands(text)
    runs = [command for command in commands if command.line.startswith("mlci run")]
    assert [runs[0].code, runs[-1].code] == [1, 0]
    assert "blocked, " in text
    assert re.search(r"^✓ [\w-]+: all \d gates passed$", text, re.MULTILINE)
    for change in ("blocked", "passes"):
        assert any(f"git apply changes/{change}.patch" in command.line for command in commands)
        copy = shutil.copytree(folder, tmp_path / change)
        git(copy, "apply", f"changes/{change}.patch")
        sources = [*copy.rglob("*.py"), *copy.glob("tasks/*.yaml")]
        assert any(file.read_bytes() != (folder / file.relative_to(copy)).read_bytes() for file in sources)


def test_examples__all_are_listed():
    index = (EXAMPLES / "README.md").read_text("utf-8")
    assert all(f"({folder.name}/README.md)" in index for folder in FOLDERS)


PAGE = """
```sh
cd inner
# a comment
echo one \\
  two
sh -c "exit 3"    # exit code 3: as it should
```

```text
one   two
```
"""


def test_commands__of_a_page(tmp_path):
    (tmp_path / "inner").mkdir()
    commands = read_commands(PAGE)
    assert commands == [Command("cd inner"), Command("echo one   two"), Command('sh -c "exit 3"', 3)]
    output = run_commands([*commands, Command("pwd")], tmp_path, tmp_path)
    assert output.endswith("/inner\n")
    assert missing_outputs(PAGE, output) == []
    assert missing_outputs(PAGE, "one three") == ["one   two\n"]


def test_commands__another_exit_code(tmp_path):
    with pytest.raises(AssertionError, match="exit code 1, and the page says 0: false"):
        run_commands([Command("true"), Command("false"), Command("true")], tmp_path, tmp_path)


def test_changed_data__a_table_that_its_script_makes_differently(tmp_path):
    for name, text in (("git", "a\n"), ("copy", "a\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "t.csv").write_text(text)
    assert changed_data(tmp_path / "copy", tmp_path / "git") == []
    (tmp_path / "copy" / "make_data.py").write_text("open('t.csv', 'w').write('b')")
    assert changed_data(tmp_path / "copy", tmp_path / "git") == ["t.csv"]

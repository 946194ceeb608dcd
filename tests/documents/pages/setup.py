"""Projects for the pages about setting a repository up, and about mirrors of mlci."""

from collections.abc import Iterator
from pathlib import Path

from tests.support.page_shell import PageShell
from tests.support.project import BY_FILE, BY_RUNNING, BY_TRAINING, config, files, holdout, predictions, write
from tests.support.repository import commit, git, init
from tests.support.setups import GATE, ROOT, template

HEAD = "customer,sex,region,"
ROWS = [f"{row},{'fm'[row % 2]},{('north', 'south')[row // 2 % 2]}," for row in range(200)]
SCORES = "customer,proba\n" + "".join(f"{row},{0.2 + 0.6 * (row // 10 % 2)}\n" for row in range(200))
SCRIPT = """\
import json, os

os.makedirs("out", exist_ok=True)
with open("out/predictions.csv", "w") as out:
    out.write("customer,proba\\n")
    for row in range(200):
        out.write(f"{row},{0.2 + 0.6 * (row // 10 % 2)}\\n")
json.dump({"accuracy": 0.9}, open("metrics.json", "w"))
"""
MAKEFILE = "train:\n\tpython -I -S train.py\n"


def labelled(label: str, values: tuple[str, str]) -> str:
    """Return labelled rows; every ten rows have the same label."""
    return HEAD + label + "\n" + "".join(f"{row}{values[number // 10 % 2]}\n" for number, row in enumerate(ROWS))


def repository(shell: PageShell, name: str, contents: dict[str, str]) -> Path:
    """Go to a new repository with a training script and nothing of mlci; return where its configuration will be."""
    shell.folder = write(shell.scratch / name, {"train.py": SCRIPT})
    given = {"train.py": SCRIPT, "Makefile": MAKEFILE, "metrics.json": '{"accuracy": 0.9}\n', **contents}
    commit(init(shell.folder), given)
    return shell.folder / "mlci.yml"


def sealed_repository(shell: PageShell) -> Path:
    """Go to a new repository with a committed evaluation set; return where its configuration will be."""
    contents = {"holdout.csv": labelled("outcome", ("no", "yes")), "out/predictions.csv": SCORES}
    return repository(shell, "sealed", contents)


def set_up_a_repository(shell: PageShell) -> Iterator[None]:
    shell.answers = "y\ny\nn\n"
    outcomes = {"data/holdout.csv": labelled("outcome", ("no", "yes")), "out/predictions.csv": SCORES}
    repository(shell, "first", outcomes)
    yield
    yield
    made = sealed_repository(shell)
    yield
    assert "registry: github" in made.read_text("utf-8")
    assert not (shell.folder / GATE).exists()
    made = repository(shell, "by-label", outcomes)
    yield
    text = made.read_text("utf-8")
    assert all(part in text for part in ("label: outcome", "positive: ", "key: customer", "sex", "region")), text
    made = repository(shell, "by-name", {"data/test.csv": labelled("y", ("0", "1")), "out/predictions.csv": SCORES})
    yield
    assert "score: proba" in made.read_text("utf-8")
    made = repository(shell, "by-metrics", {})
    yield
    assert "metrics: metrics.json" in made.read_text("utf-8")


def gate_several_models(shell: PageShell) -> Iterator[None]:
    shell.answers = "y\n" * 4 + "n\n" * 4
    found = {"holdout.csv": labelled("outcome", ("no", "yes")), "out/predictions.csv": SCORES, "train.py": SCRIPT}
    names = ("tumour", "diabetes")
    commit(init(shell.folder), {f"{name}/{file}": text for name in names for file, text in found.items()})
    yield
    workflow = (shell.folder / GATE).read_text("utf-8")
    for name in names:
        assert (shell.folder / name / "mlci.yml").exists()
        assert f"folder: {name}\n" in workflow
    commit(shell.folder, {f"{name}/mlci.yml": (shell.folder / name / "mlci.yml").read_text() for name in names})
    git(shell.folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    commit(shell.folder, {"tumour/train.py": f"{SCRIPT}# changed\n"})
    yield


def evaluate_in_shards(shell: PageShell) -> Iterator[None]:
    page = (ROOT / "docs/how-to/workflows/evaluate-in-shards.md").read_text("utf-8")
    text = page.partition("```yaml\n")[2].partition("```")[0]
    rows = [f"{row},{row // 10 % 2},{('north', 'south')[row // 2 % 2]}\n" for row in range(400)]
    scores = "id,score\n" + "".join(f"{row},{0.2 + 0.6 * (row // 10 % 2)}\n" for row in range(400))
    tables = {"rows.csv": f"id,y,region\n{''.join(rows)}", "now.csv": scores, "before.csv": scores}
    commit(init(shell.folder), {"mlci.yml": text, **tables})
    yield  # the first round's two shards
    yield
    assert len(list((shell.folder / "surveys").iterdir())) == 2
    yield  # the second round's
    yield
    assert len(list((shell.folder / "sums").iterdir())) == 2
    yield  # copied, merged, judged
    yield
    yield
    assert (shell.folder / ".mlci/out/report.json").exists()


def checked_project(shell: PageShell) -> Path:
    """Write a repository with nothing to correct, and its last run's predictions; return the workflow's file."""
    text = config(baseline="{ref: main}", train=BY_TRAINING, predict=BY_RUNNING).replace("0.05", "0.3")
    more = {"requirements.txt": "an-example==1.0\n", ".gitignore": ".mlci/\nmodel.txt\ntrained.log\n"}
    commit(init(shell.folder), {**files(2), "mlci.yml": text, GATE: template(), **more})
    code, printed = shell.mlci("run", "--bundle")
    assert code == 0, printed
    return shell.folder / GATE


def use_internal_mirrors(shell: PageShell) -> Iterator[None]:
    """Two repositories stand for the addresses, by git's own setting `insteadOf`."""
    public, inner = write(shell.scratch / "public", {"action.yml": ""}), write(shell.scratch / "inner", {"x": ""})
    pinned = commit(init(public), {"action.yml": "name: mlci\n"})
    git(inner, "init", "--bare", "--quiet")
    places = {"https://github.com/mlci/mlci": public, "https://github.example.org/platform/mlci": inner}
    shell.variables["GIT_CONFIG_COUNT"] = str(len(places))
    for number, (address, folder) in enumerate(places.items()):
        shell.variables |= {
            f"GIT_CONFIG_KEY_{number}": f"url.{folder}.insteadOf",
            f"GIT_CONFIG_VALUE_{number}": address,
        }
    yield
    yield
    assert git(inner, "rev-parse", "main") == pinned


def seal_labels(shell: PageShell) -> Iterator[None]:
    text = config(baseline="none", **BY_FILE)
    commit(init(shell.folder), {"holdout.csv": holdout(), "preds.csv": predictions(1), "mlci.yml": text})
    yield
    sealed = "data: holdout_features.csv\n  labels: holdout_labels.sealed"
    (shell.folder / "mlci.yml").write_text(text.replace("data: holdout.csv", sealed))
    yield
    assert "holds them in plain text" in shell.output
    yield
    yield
    assert "gh secret set MLCI_LABEL_KEY" in shell.output

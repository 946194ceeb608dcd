"""`mlci deploy` on a registry in a folder, without a cluster."""

import json

import pytest
import yaml
from ruamel.yaml import YAML

from mlci.errors import InputError
from mlci.operations.deploy.apply_manifest import apply_manifest
from tests.support.deployments import CONFIG, serve
from tests.support.project import mlci


@pytest.fixture
def served(tmp_path):
    return serve(tmp_path)


def read(path):
    return YAML(typ="safe", pure=True).load(path.read_text("utf-8"))


def test_render__champion_by_default(served):
    done = mlci("deploy", "render", "--json", cwd=served)
    assert done.code == 0, done.err
    assert json.loads(done.out)["metadata"]["annotations"]["mlci/version"] == "2"
    again = mlci("deploy", "render", "--version", "1", "--output", "deploy/model.yaml", cwd=served)
    assert again.out == "wrote deploy/model.yaml: version 1\n"
    assert read(served / "deploy" / "model.yaml")["metadata"]["annotations"]["mlci/version"] == "1"


def test_render__texts_that_yaml_1_1_reads_as_numbers(served):
    (served / "mlci.yml").write_text(CONFIG + "  patch: patch.yaml\n", "utf-8")
    (served / "patch.yaml").write_text("metadata: {annotations: {a: '12e4', b: 'on', c: '1_0', d: '010'}}\n", "utf-8")
    text = mlci("deploy", "render", cwd=served).out
    found = yaml.safe_load(text)["metadata"]["annotations"]  # PyYAML reads version 1.1, as kubectl does
    assert {name: found[name] for name in "abcd"} == {"a": "12e4", "b": "on", "c": "1_0", "d": "010"}
    assert found["mlci/version"] == "2"


def test_render__patch_with_a_misspelt_field(served):
    (served / "mlci.yml").write_text(CONFIG + "  patch: patch.yaml\n", "utf-8")
    (served / "patch.yaml").write_text("spec: {predictor: {timeot: 60}}\n", "utf-8")
    done = mlci("deploy", "render", "--output", "m.yaml", cwd=served)
    assert (done.code, (served / "m.yaml").exists()) == (2, False)
    assert "patch.yaml: in the manifest, spec.predictor.timeot is not a field; did you mean `timeout`?" in done.err


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "does not exist"), ("a: [", "is not YAML"), ("- a\n", "one YAML mapping"), ("a: 1\na: 2\n", "not YAML")],
)
def test_render__unreadable_patch(served, text, words):
    (served / "mlci.yml").write_text(CONFIG + "  patch: patch.yaml\n", "utf-8")
    if text is not None:
        (served / "patch.yaml").write_text(text, "utf-8")
    done = mlci("deploy", "render", cwd=served)
    assert done.code == 2
    assert "patch.yaml" in done.err
    assert words in done.err


def test_diff__against_a_committed_manifest(served):
    mlci("deploy", "render", "--version", "1", "--output", "m.yaml", cwd=served)
    done = mlci("deploy", "diff", "--against", "m.yaml", cwd=served)
    assert done.code == 0
    assert "~ metadata.annotations.mlci/version: 1 → 2" in done.out.splitlines()


def test_upload__into_a_folder(served):
    for _ in range(2):  # the second copies nothing
        done = mlci("deploy", "upload", "--to", "served", cwd=served)
        assert done.out == "served: 1 files, 1 bytes of version 2\n"
    assert (served / "served" / "model.txt").read_bytes() == b"2"
    other = mlci("deploy", "upload", "--to", "served", "--version", "1", cwd=served)
    assert (other.code, (served / "served" / "model.txt").read_bytes()) == (2, b"2")
    assert mlci("deploy", "upload", cwd=served).code == 2  # an address that mlci can't write to


def test_rollback__registry_and_manifest_in_one_step(served):
    mlci("deploy", "render", "--output", "m.yaml", cwd=served)
    done = mlci("deploy", "rollback", "--reason", "errors doubled", "--output", "m.yaml", cwd=served)
    assert done.code == 0, done.err
    assert "version 1 is in production again" in done.out
    assert read(served / "m.yaml")["metadata"]["annotations"]["mlci/version"] == "1"
    assert json.loads(mlci("versions", "--json", cwd=served).out)["champion"] == 1


def test_rollback__no_cluster(served):
    done = mlci("deploy", "rollback", "--reason", "errors doubled", cwd=served, KUBECONFIG=str(served / "none"))
    assert done.code == 2
    assert "no usable kubeconfig" in done.err
    assert json.loads(mlci("versions", "--json", cwd=served).out)["champion"] == 2


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (CONFIG.partition("deploy:")[0], "has no section `deploy`"),
        (CONFIG.replace("model: model", "model: other"), "has no version yet; promote one:"),
    ],
)
def test_render__nothing_to_serve(served, config, words):
    (served / "mlci.yml").write_text(config, "utf-8")
    done = mlci("deploy", "render", cwd=served)
    assert done.code == 2
    assert words in done.err


def test_apply_manifest__canary_without_a_version_before():
    class Empty:
        def get(self, _):
            return None

        def apply(self, *_, **__):
            raise AssertionError("nothing is applied")

    shared = {"metadata": {"name": "m"}, "spec": {"predictor": {"canaryTrafficPercent": 10}}}
    with pytest.raises(InputError, match="no traffic can be split"):
        apply_manifest(Empty(), shared, dry_run=False)


def test_render__patch_that_changes_what_is_served(served):
    (served / "mlci.yml").write_text(CONFIG + "  patch: patch.yaml\n", "utf-8")
    (served / "patch.yaml").write_text("spec: {predictor: {model: {storageUri: 's3://other/x'}}}\n", "utf-8")
    done = mlci("deploy", "render", cwd=served)
    assert done.code == 2
    assert "the patch changes spec.predictor.model.storageUri, which pins the manifest to the version" in done.err

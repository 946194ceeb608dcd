"""Manifests: what they name, what a patch changes, and what is refused."""

import copy

import pytest
from pydantic import ValidationError

from mlci.deploy.difference import field_changes, manifest_changes
from mlci.deploy.manifest import (
    MODE,
    DeployedVersion,
    check_pins,
    merge_patch,
    model_uri,
    render_manifest,
    resource_name,
)
from mlci.deploy.structure import structure_problems
from mlci.errors import InputError
from tests.support.deployments import IMAGE, manifest, plain, section


def test_render__kserve_names_one_version_by_digest():
    found = manifest(canary=10)
    predictor = found["spec"]["predictor"]
    assert predictor["model"]["storageUri"] == f"s3://models/Credit Risk/3-{'ab' * 32}"
    assert predictor["canaryTrafficPercent"] == 10
    assert found["metadata"]["annotations"]["mlci/digest"] == f"sha256:{'ab' * 32}"
    assert found["metadata"]["name"] == "credit-risk"
    assert structure_problems(found) == []


def test_render__deployment_restarts_with_each_version():
    found = manifest(plain(port=9000, replicas=2))
    pod = found["spec"]["template"]
    assert pod["metadata"]["labels"] == found["spec"]["selector"]["matchLabels"]
    assert pod["spec"]["containers"][0]["image"] == IMAGE
    assert {"name": "MODEL_VERSION", "value": "3"} in pod["spec"]["containers"][0]["env"]
    assert structure_problems(found) == []


def test_render__hostile_names_stay_values():
    hostile = DeployedVersion(model='a"\n  evil: {{ 7 * 7 }}', number=1, digest="ab" * 32, commit=None)
    found = render_manifest(section(name="safe"), hostile, canary=None, patch={})
    assert found["metadata"]["annotations"]["mlci/model"] == hostile.model
    assert set(found) == {"apiVersion", "kind", "metadata", "spec"}


@pytest.mark.parametrize(
    ("one", "patch", "words"),
    [
        (plain(), {}, "plain Deployment has no canary traffic"),
        (section(), {"metadata": {"annotations": {MODE: "RawDeployment"}}}, "KServe splits no traffic"),
    ],
)
def test_render__canary_that_nothing_splits(one, patch, words):
    with pytest.raises(InputError, match=words):
        manifest(one, canary=10, patch=patch)


def test_resource_name__of_a_model_that_gives_none():
    with pytest.raises(InputError, match="add `name: …`"):
        resource_name(section(), "2024")
    assert resource_name(section(name="churn"), "2024") == "churn"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_uri": "s3://models/latest"}, "must contain {digest}"),
        ({"model_uri": "s3://models/{sha}"}, "{sha}, which is unknown"),
        ({"kserve": None}, "needs one of `kserve` or `deployment`"),
        ({"deployment": {"image": IMAGE}}, "keep exactly one"),
        ({"kserve": None, "deployment": {"image": "scorer:latest"}}, "pattern"),
    ],
)
def test_section__that_does_not_pin(changes, words):
    with pytest.raises(ValidationError, match=words):
        section(**changes)


def test_model_uri__value_that_looks_like_a_placeholder():
    odd = DeployedVersion(model="{digest}", number=1, digest="ab" * 32, commit=None)
    assert model_uri(section(), odd) == f"s3://models/{{digest}}/1-{'ab' * 32}"


# The examples of RFC 7386, appendix A.
@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch__examples_of_the_standard(target, patch, result):
    before = copy.deepcopy(target)
    assert merge_patch(target, patch) == result
    assert target == before


@pytest.mark.parametrize(
    ("patch", "problem"),
    [
        ({"spec": {"predictor": {"minReplica": 1}}}, "spec.predictor.minReplica is not a field; did you mean"),
        ({"spec": {"predictor": {"timeout": "60"}}}, "spec.predictor.timeout must be a whole number, not '60'"),
        ({"spec": {"predictor": {"timeout": True}}}, "spec.predictor.timeout must be a whole number, not True"),
        ({"spec": {"predictor": {"hostNetwork": 1}}}, "spec.predictor.hostNetwork must be true or false"),
        ({"spec": {"predictor": {"tolerations": {}}}}, "spec.predictor.tolerations must be a list"),
        ({"spec": {"predictor": {"tolerations": [{"kye": "a"}]}}}, "spec.predictor.tolerations[0].kye is not a field"),
        ({"spec": {"predictor": {"model": {"modelFormat": {"name": None}}}}}, "modelFormat.name is missing"),
        ({"spec": {"predictor": {"model": {"resources": {"limit": {}}}}}}, "resources.limit is not a field"),
        ({"spec": {"predictor": None}}, "spec.predictor is missing"),
        ({"spec": "x"}, "spec must be a mapping, not 'x'"),
        ({"metadata": {"labels": {"a": 1}}, "sepc": {}}, "sepc is not a field; did you mean `spec`?"),
        ({"kind": "Job"}, "`serving.kserve.io/v1beta1 Job` is a kind of resource that mlci does not render"),
    ],
)
def test_structure__misspelt_or_mistyped_field(patch, problem):
    assert any(problem in found for found in structure_problems(manifest(patch=patch)))


@pytest.mark.parametrize(
    ("patch", "problem"),
    [
        ({"spec": {"replicas": "2"}}, "spec.replicas must be a whole number"),
        ({"spec": {"template": {"spec": {"containers": [{"image": IMAGE}]}}}}, "containers[0].name is missing"),
        ({"spec": {"strategy": {"rollingUpdate": {"maxSurge": 1.5}}}}, "maxSurge must be a whole number or text"),
    ],
)
def test_structure__deployment(patch, problem):
    assert any(problem in found for found in structure_problems(manifest(plain(), patch=patch)))


def test_field_changes__without_what_the_cluster_adds():
    live = manifest() | {"status": {"ready": True}}
    live["metadata"] = live["metadata"] | {"resourceVersion": "7", "managedFields": []}
    assert field_changes(live, manifest()) == []
    changed = [str(change) for change in field_changes(live, manifest(canary=10, patch={"spec": {"x": [1, 2]}}))]
    assert changed == ["+ spec.predictor.canaryTrafficPercent: 10", "+ spec.x: [1, 2]"]


def test_manifest_changes__of_another_resource():
    other = manifest() | {"kind": "Pod", "apiVersion": "v1"}
    other["metadata"] = other["metadata"] | {"name": "other", "namespace": "elsewhere"}
    assert [change.path for change in manifest_changes(other, manifest())] == [
        "apiVersion",
        "kind",
        "metadata.name",
        "metadata.namespace",
    ]
    assert manifest_changes(manifest(), manifest()) == []
    assert manifest_changes({"metadata": None}, manifest()) != []


@pytest.mark.parametrize(
    ("one", "patch", "changed"),
    [
        (section(), {"spec": {"predictor": {"model": {"storageUri": "s3://other/x"}}}}, "predictor.model.storageUri"),
        (section(), {"metadata": {"annotations": {"mlci/digest": "sha256:00"}}}, "annotations.mlci/digest"),
        (section(), {"metadata": {"namespace": "other"}}, "metadata.namespace"),
        (section(), {"metadata": {"name": None}}, "metadata.name"),
        (plain(), {"spec": {"template": {"spec": {"containers": [{"name": "model"}]}}}}, "containers.model.image"),
        (
            plain(),
            {"spec": {"template": {"spec": {"containers": [{"name": "model", "image": IMAGE}]}}}},
            "containers.model.env.MODEL_URI.value",
        ),
    ],
)
def test_check_pins__patch_that_serves_something_else(one, patch, changed):
    with pytest.raises(InputError, match=changed):
        check_pins(manifest(one), manifest(one, patch=patch))


def test_check_pins__patch_that_adds():
    patch = {"metadata": {"annotations": {"team": "risk"}}, "spec": {"predictor": {"timeout": 60}}}
    check_pins(manifest(), manifest(patch=patch))

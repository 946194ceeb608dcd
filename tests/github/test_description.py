"""The derived description and its examples, against the fake's validators."""

import copy

import pytest

from tests.fake_github import contract, derive
from tests.fake_github.serving import HANDLERS

# Examples in GitHub's own description that lack what the description calls required, by operation. They are old; the
# fake's answers have to be complete.
INCOMPLETE = {
    "repos/list-teams": "type",
    "teams/get-by-name": "type",
    "repos/get": "language",
    "pulls/list": "type",
    "pulls/create": "type",
    "pulls/get": "type",
    "pulls/update": "type",
    "repos/list-pull-requests-associated-with-commit": "type",
    "repos/get-commit": "sha",
    "repos/merge": "sha",
    "repos/list-branches": "checks",
    "actions/list-jobs-for-workflow-run": "created_at",
    "actions/list-jobs-for-workflow-run-attempt": "created_at",
    "repos/get-collaborator-permission-level": "role_name",
    "repos/get-repo-rulesets": "enabled",
    "repos/get-branch-protection": "checks",
    "repos/get-status-checks-protection": "checks",
}
ANSWERS = [
    (name, int(status), example)
    for name, operation in contract.operations().items()
    for status, facts in operation.responses.items()
    for example in facts.get("examples", [])
]
BODIES = [
    (name, example)
    for name, operation in contract.operations().items()
    for example in (operation.body or {}).get("examples", [])
]


@pytest.mark.parametrize(("name", "status", "example"), ANSWERS, ids=[f"{row[0]}-{row[1]}" for row in ANSWERS])
def test_response_errors__examples_of_github(name, status, example):
    errors = contract.response_errors(contract.operations()[name], status, example)
    if name in INCOMPLETE:
        assert any(INCOMPLETE[name] in error for error in errors)
    else:
        assert errors == []


@pytest.mark.parametrize(("name", "example"), BODIES, ids=[row[0] for row in BODIES])
def test_body_errors__examples_of_github(name, example):
    operation = contract.operations()[name]
    assert contract.body_errors(operation, example) == []
    assert contract.unknown_fields(operation, example) == []


def test_description__enough_examples():
    assert len(ANSWERS) > 70
    assert len(BODIES) > 25


def test_description__every_operation_is_served():
    assert set(HANDLERS) == set(contract.operations())


def change_example(example, **changes):
    return copy.deepcopy(example) | changes


CHECK = {"name": "mlci / m", "head_sha": "a" * 40}
OUTPUT = {"title": "t", "summary": "s"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"head_sha": "a" * 40}, '"name" wasn\'t supplied.'),
        ({"name": "mlci / m"}, '"head_sha" wasn\'t supplied.'),
        (change_example(CHECK, name=3), "For 'properties/name', 3 is not a string."),
        (change_example(CHECK, output={"title": "t"}), '"summary" wasn\'t supplied.'),
        (change_example(CHECK, output=OUTPUT | {"summary": "s" * 65_536}), "Only 65535 characters are allowed; 65536"),
        (change_example(CHECK, conclusion="green"), "green"),
        (change_example(CHECK, started_at="yesterday"), "yesterday"),
        ([], "is not an object"),
    ],
)
def test_body_errors__defects(body, words):
    errors = contract.body_errors(contract.operations()["checks/create"], body)
    assert any(words in error for error in errors), errors


def test_body_errors__fifty_one_annotations():
    note = {"path": "mlci.yml", "start_line": 1, "end_line": 1, "annotation_level": "failure", "message": "m"}
    operation = contract.operations()["checks/create"]
    assert contract.body_errors(operation, change_example(CHECK, output=OUTPUT | {"annotations": [note] * 50})) == []
    errors = contract.body_errors(operation, change_example(CHECK, output=OUTPUT | {"annotations": [note] * 51}))
    assert errors == ["No more than 50 items are allowed; 51 were supplied."]


def test_unknown_fields__at_any_depth():
    operation = contract.operations()["checks/create"]
    body = change_example(CHECK, ouput=OUTPUT, output=OUTPUT | {"annotations": [{"path": "a", "line": 1}]})
    assert contract.unknown_fields(operation, body) == ["/ouput", "/output/annotations/items/line"]


@pytest.mark.parametrize(
    ("change", "words"),
    [({"id": "1"}, "/id"), ({"name": None}, "/name"), ({"conclusion": "green"}, "/conclusion"), ({}, "required")],
)
def test_response_errors__defects(change, words):
    operation = contract.operations()["checks/get"]
    (example,) = operation.responses["200"]["examples"]
    body = change_example(example, **change)
    if not change:
        del body["head_sha"]
    errors = contract.response_errors(operation, 200, body)
    assert any(words in error for error in errors)


def test_response_errors__unknown_status():
    assert contract.response_errors(contract.operations()["checks/create"], 200, {})


@pytest.mark.parametrize(
    ("method", "path", "name", "values"),
    [
        ("GET", "/repos/o/r/commits/abc", "repos/get-commit", {"ref": "abc"}),
        ("GET", "/repos/o/r/commits/abc/status", "repos/get-combined-status-for-ref", {"ref": "abc"}),
        ("GET", "/repos/o/r/commits/a%2Fb/check-runs", "checks/list-for-ref", {"ref": "a/b"}),
        ("GET", "/repos/o/r/git/ref/heads/a/b", "git/get-ref", {"ref": "heads/a/b"}),
        ("GET", "/repos/o/r/releases/latest", "repos/get-latest-release", {}),
        ("GET", "/repos/o/r/contents/a/b.yml", "repos/get-content", {"path": "a/b.yml"}),
        ("GET", "/repos/o/r/compare/main...topic", "repos/compare-commits", {"base": "main", "head": "topic"}),
    ],
)
def test_find__most_specific_operation(method, path, name, values):
    operation, found = contract.find(method, path)
    assert operation.name == name
    assert found == {"owner": "o", "repo": "r"} | values


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"per_page": "many"}, "is not a integer"),
        ({"filter": "newest"}, "is not in"),
        ({"names": "x"}, "no parameter 'names'"),
    ],
)
def test_query_errors__defects(query, words):
    (error,) = contract.query_errors(contract.operations()["checks/list-for-ref"], query)
    assert words in error


def test_derive__json_schema_from_openapi():
    node = {"type": "string", "nullable": True, "enum": ["a"], "description": "prose", "format": "uri"}
    assert derive.schema(node) == {"type": ["string", "null"], "enum": ["a", None]}
    named = {"type": "object", "properties": {"title": {"type": "string"}, "example": {"$ref": "#/components/x/y"}}}
    wanted = {"title": {"type": "string"}, "example": {"$ref": "#/schemas/y"}}
    assert derive.schema(named) == {"type": "object", "properties": wanted}
    assert derive.schema({"allOf": [{"$ref": "#/a/b"}], "nullable": True}) == {
        "anyOf": [{"allOf": [{"$ref": "#/schemas/b"}]}, {"type": "null"}]
    }


def test_description__source():
    about = contract.description()["about"]
    assert "@octokit/openapi 23.0.2" in about["source"]
    assert about["licence"].startswith("MIT")

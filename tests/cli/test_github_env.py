"""Environment of a workflow run: which addresses a report links to."""

import pytest

from mlci.cli.github_actions import read_workflow

RUN = {"GITHUB_REPOSITORY": "acme/credit", "GITHUB_RUN_ID": "7", "GITHUB_SERVER_URL": "https://github.example"}
ROOT = "https://github.example/acme/credit"


def test_links__run_and_page_of_the_repository():
    page = f"{ROOT}/actions/runs/7/artifacts/9"
    links = read_workflow({**RUN, "MLCI_PAGE": page}).links("3f9c2ab")
    assert (links.report, links.page) == (f"{ROOT}/actions/runs/7", page)


@pytest.mark.parametrize("page", ["", "https://evil.example/acme/credit/", f"{ROOT}.evil/", "javascript:alert(1)"])
def test_links__no_page_of_another_place(page):
    assert read_workflow({**RUN, "MLCI_PAGE": page}).links(None).page is None

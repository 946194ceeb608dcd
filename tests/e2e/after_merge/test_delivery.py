"""Delivery by the workflows of the templates: a canary, its roll-back, and a manifest in git."""

from ruamel.yaml import YAML

from tests.e2e.workflows.loop import CANARY, DEPLOY_ROLLBACK, GITOPS

DEPLOY = """
deploy:
  namespace: models
  model_uri: s3://served/{model}/{digest}
  kserve: {format: sklearn}
"""


def secrets_of(bucket, cluster=None):
    """Return the secrets of the environment `production`, and the address of the bucket's server for the runner."""
    own = bucket.environment
    secrets = {"MODELS_KEY_ID": own["AWS_ACCESS_KEY_ID"], "MODELS_KEY": own["AWS_SECRET_ACCESS_KEY"]}
    secrets |= {"KUBECONFIG": cluster.kubeconfig} if cluster else {}
    return {"secrets": secrets, "variables": {"AWS_ENDPOINT_URL": own["AWS_ENDPOINT_URL"]}}


def test_canary__first_version_then_a_tenth_and_rolled_back(loop, cluster, s3):
    bucket = s3("served")
    facts = secrets_of(bucket, cluster)
    loop.world.configure(DEPLOY)
    loop.world.merge(loop.world.pull("first", "again"))
    run, _ = loop.started(CANARY, "push", "first-version", **facts)
    assert (run.code, set(run.jobs.values())) == (0, {"success"}), run.log
    assert cluster.version() == ("1", None)

    loop.world.merge(loop.world.pull("second", "better"))
    run, _ = loop.started(CANARY, "push", "canary", **facts)
    assert (run.code, set(run.jobs.values())) == (0, {"success"}), run.log
    assert cluster.version() == ("2", 10)
    assert "version 2 takes 10 % of the traffic" in "\n".join(run.summaries)
    place = cluster.service()["spec"]["predictor"]["model"]["storageUri"]
    assert bucket.get(f"{place.removeprefix('s3://served/')}/model.json").startswith(b'{"weights"')

    asked = {"version": "", "reason": "errors doubled"}
    run, _ = loop.started(DEPLOY_ROLLBACK, "workflow_dispatch", "rolled-back", inputs=asked, **facts)
    assert (run.code, run.jobs) == (0, {"rollback": "success"}), run.log
    assert (cluster.version(), loop.champion()) == (("1", None), 1)
    assert loop.ledger()[-1]["body"]["reason"] == "errors doubled"


def test_gitops__manifest_committed_beside_a_later_push(loop, s3):
    """Main moves while the merge is trained: the manifest is committed on top of it, and nothing is lost."""
    bucket = s3("served")
    loop.world.configure(DEPLOY)
    merged = loop.world.merge(loop.world.pull("first", "better"))
    start = loop.world.ready(GITOPS, "push", token=loop.token(GITOPS), **secrets_of(bucket))
    later = loop.world.commit({"README.md": "# Customers who leave\n"})
    run, _ = loop.ended(start, "manifest")
    assert (run.code, set(run.jobs.values())) == (0, {"success"}), run.log
    log = loop.git("log", "--format=%H %an %s", "main").splitlines()
    assert log[0].split(" ", 1)[1] == "mlci deploy: serve the promoted version"
    assert [line.split()[0] for line in log[1:3]] == [later, merged]
    manifest = YAML(typ="safe", pure=True).load(loop.git("show", "main:deploy/model.yaml"))
    assert manifest["metadata"]["annotations"]["mlci/commit"] == merged
    place = manifest["spec"]["predictor"]["model"]["storageUri"].removeprefix("s3://served/")
    assert bucket.get(f"{place}/model.json").startswith(b'{"weights"')

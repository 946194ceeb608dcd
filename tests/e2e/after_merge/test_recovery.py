"""Backup and drill by the workflow of the template, with the registry in GitHub and the backup in a bucket."""

import html
import json
import re

from tests.e2e.workflows.loop import DRILL

NIGHTLY, WEEKLY = re.findall(r'cron: "(.+?)"', DRILL.read_text("utf-8"))


def test_drill__whole_and_damaged_backup(loop, s3):
    bucket = s3("your-backups")
    own = bucket.environment
    names = ("WRITE", "READ")
    facts = {
        "secrets": {f"BACKUP_{name}_KEY_ID": own["AWS_ACCESS_KEY_ID"] for name in names}
        | {f"BACKUP_{name}_KEY": own["AWS_SECRET_ACCESS_KEY"] for name in names},
        "variables": {"MLCI_BACKUP_AWS_ENDPOINT_URL": own["AWS_ENDPOINT_URL"]},
    }
    loop.world.promote()
    run, _ = loop.started(DRILL, "workflow_dispatch", "both", **facts)
    assert (run.code, run.jobs) == (0, {"backup": "success", "drill": "success"}), run.log
    summary = html.unescape("\n".join(run.summaries))
    assert "scored again in a fresh environment from its `requirements.txt`: the predictions are identical" in summary
    assert "time to restore" in summary

    shown = json.loads(loop.world.mlci("show", "1", "--json"))
    [digest] = [file["digest"] for file in shown["manifest"]["files"] if file["name"] == "model.json"]
    model = f"models/churn/files/{digest[:2]}/{digest}"
    before = bucket.get(model)
    bucket.delete(model)
    run, _ = loop.started(DRILL, "schedule", "model-is-lost", cron=WEEKLY, **facts)
    assert (run.code, run.jobs["drill"]) == (1, "failure"), run.log
    assert "version 1, retrained" in "\n".join(run.summaries)
    [message] = run.annotations("error")
    assert "model.json" in message
    assert "exit status 4" in run.log

    run, _ = loop.started(DRILL, "schedule", "backed-up-again", cron=NIGHTLY, **facts)
    assert (run.code, run.jobs.get("backup"), run.jobs.get("drill")) == (0, "success", None), run.log
    assert bucket.get(model) == before

"""Project for the page about logs: two files of predictions, and a collector."""

import json
from collections.abc import Iterator

from tests.support.otlp_receiver import collector
from tests.support.page_shell import PageShell
from tests.support.project import small_files, write


def read_the_logs(shell: PageShell) -> Iterator[None]:
    write(shell.folder, {**small_files(), "new.csv": small_files()["old.csv"]})
    with collector() as (endpoint, received):
        shell.replaced = {"http://localhost:4318": endpoint["OTEL_EXPORTER_OTLP_ENDPOINT"]}
        yield
        events = [json.loads(line)["event"] for line in shell.output.splitlines() if line.startswith("{")]
        assert (events[0], events[-1]) == ("run_started", "run_finished")
        yield
        yield
        assert {span.name for span in received.spans} == {"run planted", "evaluate"}
        assert received.points["mlci.gates"]

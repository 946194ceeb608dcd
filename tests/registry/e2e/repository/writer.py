"""Writers that may be killed: a process that has imported everything forks one for each job.

Lines on its input are jobs as JSON: url, token, repository, file, actor. It prints the writer's process id, waits for
a line, lets it go, and prints how it ended.
"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[4]))

from mlci.github.transport import Access
from mlci.registry.registry import Registry
from mlci.registry.stores.github_store import RepositoryStore
from tests.registry.e2e.repository.place import hasty
from tests.support.registry.histories import sha, stamp, verdict


def write(job):
    source = Path(job["file"])
    access = Access(url=job["url"], token=job["token"], agent="mlci/test")
    store = RepositoryStore(access, job["repository"], "model", patience=hasty())
    store.put(source, sha(source.read_bytes()))
    Registry(store, stamp(actor=job["actor"])).append(lambda _: verdict())


def main():
    import github  # noqa: F401, PLC0415 - before the forks

    for line in iter(sys.stdin.readline, ""):
        begin, go = os.pipe()
        child = os.fork()
        if child == 0:
            os.read(begin, 1)
            code = 1
            try:
                write(json.loads(line))
                code = 0
            finally:
                os._exit(code)
        print(child, flush=True)  # noqa: T201 - to the test
        sys.stdin.readline()
        os.write(go, b"x")
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201 - the same


if __name__ == "__main__":
    main()

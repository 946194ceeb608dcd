#!/bin/sh
# Writes the logs in this folder: pip install -e the repository of openai/evals (3.0.1.post1), then `sh write.sh` here.
set -eu
mkdir -p registry/data/sums
python - <<'PYTHON'
import json
from pathlib import Path
lines = [{"input": f"What is {i} plus 3 ?", "ideal": str(i + 3)} for i in range(10)]
folder = Path("registry/data/sums")
(folder / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
lines[4]["input"] = "What is one plus 3 ?"
(folder / "stopped.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
PYTHON
export EVALS_SEQUENTIAL=1 EVALS_SHOW_EVAL_PROGRESS=0 OPENAI_API_KEY=none PYTHONPATH=".:${PYTHONPATH:-}"
run() { # output, eval
    python - "$@" <<'PYTHON' || true
import sys
from evals.cli.oaieval import main
output, name = sys.argv[1:]
sys.argv = ["oaieval", "fake", name, "--registry_path", "registry", "--record_path", output]
main()
PYTHON
}
run run.jsonl sums
run stopped.jsonl stopped
rm -rf registry/data __pycache__

#!/bin/sh
# Writes the logs in this folder: pip install inspect-ai openai, then `sh write.sh` here.
set -eu
write() { # name, task, arguments
    name=$1 task=$2
    shift 2
    rm -rf logs
    inspect eval "support.py@$task" --log-dir logs --display none "$@" || true
    mv logs/*."${FORMAT:-eval}" "$name"
    rm -rf logs
}
write baseline.eval support -T skill=0.9 -T seed=1
write candidate.eval support -T skill=0.6 -T seed=2
write moved.eval support -T shift=1
write outage.eval outage
write stopped.eval stopped
FORMAT=json write baseline.json support -T skill=0.9 -T seed=1 --log-format json
python - <<'PYTHON' > read_by_inspect.json
import json
from inspect_ai.log import read_eval_log
from inspect_ai.scorer import value_to_float
as_float = value_to_float()
found = {}
for name in ("baseline.eval", "candidate.eval", "moved.eval", "outage.eval", "stopped.eval", "baseline.json"):
    log = read_eval_log(name)
    found[name] = {
        "status": log.status,
        "means": {s.name: {k: m.value for k, m in s.metrics.items()} for s in (log.results.scores if log.results else [])},
        "samples": [
            {"id": s.id, "epoch": s.epoch, "error": s.error.message if s.error else None,
             "scores": {k: (v.value if isinstance(v.value, dict) else as_float(v.value)) if v.value == v.value else None for k, v in (s.scores or {}).items()}}
            for s in log.samples or []
        ],
    }
print(json.dumps(found, indent=1))
PYTHON

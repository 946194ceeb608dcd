#!/bin/sh
# Builds the wheel, installs it with locked requirements into a new environment, and runs it outside of the tree.
set -eu
cd "$(dirname "$0")/.."
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
uv=.venv/bin/uv
$uv build --quiet --wheel --no-build-isolation --python .venv/bin/python --out-dir "$place/dist" .
$uv venv --quiet --python .venv/bin/python "$place/env"
$uv pip install --quiet --python "$place/env/bin/python" --require-hashes -r requirements/run.txt
$uv pip install --quiet --python "$place/env/bin/python" --no-deps "$place"/dist/*.whl
cd "$place"
cat > mlci.yml <<'YML'
model: wheel
task: binary
evaluation: {data: rows.csv, key: id, label: y}
predict: {file: rows.csv, decision: new}
baseline: {file: rows.csv, decision: old}
gates: [{metric: accuracy, min: 0.5, max_drop: 0.1}]
YML
awk 'BEGIN { print "id,y,old,new"; for (i = 0; i < 200; i++) print i "," i % 2 "," (i % 10 ? i % 2 : 1) "," i % 2 }' > rows.csv
env/bin/mlci run --out out > log
test -s out/comment.md
grep -q "may merge\|passed" log
echo "the wheel works with the gate's own requirements only: $(env/bin/mlci --version)"

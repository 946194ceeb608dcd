#!/bin/sh
# Installs the wheel, and one that is made from the source distribution, each into a new environment, and runs them
# outside of the tree. Usage: wheel.sh [FOLDER]; without a folder that has both files, it builds them.
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
uv=$root/.venv/bin/uv
python=$root/.venv/bin/python
dist=${1:-$place/dist}
[ -n "${1:-}" ] || $uv build --quiet --no-build-isolation --python "$python" --out-dir "$dist" .
$uv build --quiet --wheel --no-build-isolation --python "$python" --out-dir "$place/source" "$dist"/mlci-*.tar.gz
"$python" -I - "$dist"/mlci-*.whl "$place"/source/mlci-*.whl <<'PY'
import sys
import zipfile

tree, source = ({(one.filename, one.CRC) for one in zipfile.ZipFile(name).infolist()} for name in sys.argv[1:])
if tree != source:
    sys.exit(f"the source distribution makes another wheel: {sorted(tree ^ source)}")
PY
dist=$(cd "$dist" && pwd)
cp -R "$root/requirements" "$place"
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
for wheel in "$dist"/mlci-*.whl "$place"/source/mlci-*.whl; do
    rm -rf env out
    $uv venv --quiet --python "$python" env
    $uv pip install --quiet --python env/bin/python --require-hashes -r requirements/run.txt
    $uv pip install --quiet --python env/bin/python --no-deps "$wheel"
    env/bin/python -I -c 'import mlci, sys; sys.exit(not mlci.__file__.startswith(sys.argv[1]))' "$place/env"
    env/bin/mlci run --out out > log
    grep -q "may merge\|passed" log
    for file in comment.md summary.md report.html junit.xml; do test -s "out/$file"; done
done
echo "the wheel works with the gate's own requirements only: $(env/bin/mlci --version)"

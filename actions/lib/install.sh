#!/usr/bin/env bash
# Installs mlci from this checkout into a separate environment. Usage: install.sh SET... (run, github, metrics, remote, objects, mlflow, deploy, telemetry, schema, energy, auto)
# Needs Python 3.11 or newer, which it does not change. Plain bash 3.2: macOS has no newer one.
set -u
lib=$(cd "$(dirname "$0")" && pwd) || exit 70

suits() {
  "$1" -I -S -c 'import sys; sys.exit(sys.version_info < (3, 11) or sys.implementation.name != "cpython")' 2>/dev/null
}

# First on PATH, then in the folder of GitHub's runners for actions/setup-python, then by uv.
candidates() {
  local name
  for name in python3 python python3.14 python3.13 python3.12 python3.11; do
    command -v "$name" || true
  done
  if [ -n "${RUNNER_TOOL_CACHE:-}" ]; then
    for name in "$RUNNER_TOOL_CACHE"/Python/3.1[1-9].*/*/bin/python3 "$RUNNER_TOOL_CACHE"/Python/3.1[1-9].*/*/python.exe; do
      [ ! -x "$name" ] || printf '%s\n' "$name"
    done
  fi
  if command -v uv >/dev/null; then
    uv python find --no-python-downloads '>=3.11' 2>/dev/null || true
  fi
}

python=''
while IFS= read -r candidate; do
  if suits "$candidate"; then
    python=$candidate
    break
  fi
done <<EOF
$(candidates)
EOF

if [ -z "$python" ]; then
  printf '%s' "::error title=mlci needs Python 3.11 or newer::This runner has none on PATH. Add a step before this one:%0A" \
    "- uses: actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97 # v7.0.0%0A" \
    "  with: {python-version: '3.13'}"
  echo
  exit 2
fi
exec "$python" -I -B -X utf8 "$lib/install.py" "$@"

#!/bin/sh
# Writes every requirements file again: all platforms, hashes, no index address. Usage: lock.sh path/to/uv
set -eu
cd "$(dirname "$0")/.."
lock() { # output, arguments
    out=$1
    shift
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
        --no-annotate --output-file "requirements/$out" "$@"
}
uv=$1
printf 'uv\n' > requirements/uv.in
lock uv.txt requirements/uv.in
rm requirements/uv.in
# Everything together first: what tests run with is what jobs install, and files installed into one environment agree.
# Spark is left out: its package has 400 MB, and a cluster brings its own.
extras=$(sed -n '/^\[project.optional-dependencies\]/,/^$/s/^\([a-z]*\) = .*/--extra \1/p' pyproject.toml | grep -v spark)
# shellcheck disable=SC2086 # the names are words
lock dev.txt pyproject.toml $extras --group dev requirements/build.in
lock run.txt pyproject.toml --constraint requirements/dev.txt
lock metrics.txt pyproject.toml --extra metrics --extra model --constraint requirements/dev.txt
lock github.txt pyproject.toml --extra github --constraint requirements/dev.txt
lock remote.txt pyproject.toml --extra remote --constraint requirements/dev.txt
lock objects.txt pyproject.toml --extra objects --constraint requirements/dev.txt
lock deploy.txt pyproject.toml --extra deploy --constraint requirements/dev.txt
lock mlflow.txt pyproject.toml --extra mlflow --constraint requirements/dev.txt
lock telemetry.txt pyproject.toml --extra telemetry --constraint requirements/dev.txt
lock schema.txt pyproject.toml --extra schema --constraint requirements/dev.txt
lock energy.txt pyproject.toml --extra energy --constraint requirements/dev.txt
# The documentation site is built in an environment of its own.
lock site.txt --group docs
# MLflow's server wants an older pandas than we test with, so it has an environment of its own.
lock mlflow-server.txt requirements/mlflow-server.in
# Spark for `make spark-e2e`, in a folder of its own beside the packages that tests run with.
lock spark.txt requirements/spark.in
# Peers of the benchmark live in an environment of their own, so that their pins never meet ours.
lock bench.txt requirements/bench.in

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
lock run.txt pyproject.toml
lock metrics.txt pyproject.toml --extra metrics --extra model
lock github.txt pyproject.toml --extra github
lock dev.txt pyproject.toml --all-extras --group dev requirements/build.in
lock objects.txt pyproject.toml --extra objects --constraint requirements/dev.txt
# Peers of the benchmark live in an environment of their own, so that their pins never meet ours.
lock bench.txt requirements/bench.in

#!/bin/sh
# The tree names no package index and no path of one machine, and generated files are as their generators write them.
set -eu
cd "$(dirname "$0")/.."
index='registry\.npm''js|py''pi\.org|python''hosted|proxy\.gol''ang|deb\.deb''ian'
if git grep -nIE "$index" -- .; then
    echo "the lines above name a package index; lock files have to do without" >&2
    exit 1
fi
if git grep -nIE '(^|[^a-zA-Z.])/(home|root|work|Users)/[a-z]' -- . ':!tests' ':!docs'; then
    echo "the lines above name a path of one machine" >&2
    exit 1
fi
make --silent docs
if ! git diff --exit-code -- docs mlci; then
    echo "generated files are stale; run 'make docs' and commit them" >&2
    exit 1
fi
echo "tidy"

#!/bin/sh
# Writes the logs in this folder: npm install promptfoo@0.121.20, then `sh write.sh` here.
set -eu
export PROMPTFOO_CONFIG_DIR="$PWD/kept" PROMPTFOO_DISABLE_TELEMETRY=1 PROMPTFOO_DISABLE_UPDATE=1 PROMPTFOO_DISABLE_REMOTE_GENERATION=1
run() { # output, arguments
    output=$1
    shift
    promptfoo eval --no-cache --no-table --no-progress-bar -o "$output" "$@" || [ $? = 100 ]
}
run baseline.json -c promptfooconfig.yaml --repeat 2
run baseline.jsonl -c promptfooconfig.yaml --repeat 2
run outage.json -c outage.yaml
rm -rf kept

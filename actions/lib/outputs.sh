#!/usr/bin/env bash
# Writes a step's outputs from a report. Usage: outputs.sh PATH_OF_MLCI REPORT CODE [summary]
# CODE is the exit code of what wrote the report, `-` where that was another job; with `summary`, the job's summary too.
set -u
lib=$(cd "$(dirname "$0")" && pwd) || exit 70
exec "${1%/mlci}/python" -B "$lib/outputs.py" "$2" "$3" ${4+"$4"}

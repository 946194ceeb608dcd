#!/usr/bin/env bash
# Writes a step's outputs from a report. Usage: outputs.sh PATH_OF_MLCI REPORT CODE [summary]
# CODE is the exit code of the command that wrote the report, `-` if another job did; `summary` also writes the job summary.
set -u
lib=$(cd "$(dirname "$0")" && pwd) || exit 70
exec "${1%/mlci}/python" -B "$lib/outputs.py" "$2" "$3" ${4+"$4"}

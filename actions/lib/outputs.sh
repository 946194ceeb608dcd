#!/usr/bin/env bash
# Writes a step's outputs from a report. Usage: outputs.sh PATH_OF_MLCI REPORT [summary] (into the job's summary as well)
set -u
lib=$(cd "$(dirname "$0")" && pwd) || exit 70
exec "${1%/mlci}/python" -B "$lib/outputs.py" "$2" ${3+"$3"}

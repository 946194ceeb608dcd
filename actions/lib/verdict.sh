#!/usr/bin/env bash
# Fails the job at its end. Usage: verdict.sh CODE... (exit codes of the steps before, in order; empty: it did not finish)
set -u
for code in "$@"; do
  case $code in
    0) ;;
    [1-9] | [1-9][0-9] | [12][0-9][0-9]) exit "$code" ;;
    *)
      echo "::error title=mlci did not finish::A step ended without an exit code; its log is above."
      exit 1
      ;;
  esac
done

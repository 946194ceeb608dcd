#!/usr/bin/env bash
# Runs a command, forwards signals to it, and records its exit code for later steps. Usage: captured.sh COMMAND ARGUMENT...
# The step itself succeeds, so that reporting continues; verdict.sh fails the job at the end. Without a code in the
# outputs the command did not finish: nothing is written if the step is cancelled.
set -u
stopped=''
child=''
trap 'stopped=yes; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null' INT TERM # before the command starts
"$@" &
child=$!
[ -z "$stopped" ] || kill -TERM "$child" 2>/dev/null
wait "$child"
code=$?
if [ -n "$stopped" ]; then
  wait "$child" # the first wait ended with the signal, this one with the command
  exit 130
fi
if [ -L "$GITHUB_OUTPUT" ] || { [ -e "$GITHUB_OUTPUT" ] && [ ! -f "$GITHUB_OUTPUT" ]; }; then
  echo "::error title=mlci did not finish::The file for the step's outputs was replaced by something that is not a file."
  exit 1
fi
printf 'code=%s\n' "$code" >>"$GITHUB_OUTPUT"

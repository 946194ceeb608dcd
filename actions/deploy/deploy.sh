#!/usr/bin/env bash
# Calls `mlci deploy` with the inputs of the action, and keeps the kubeconfig in a file that only this step has.
set -euo pipefail

if [ -n "$KUBECONFIG_TEXT" ]; then
  KUBECONFIG=$(mktemp "$RUNNER_TEMP/kubeconfig.XXXXXX")
  export KUBECONFIG
  trap 'rm -f "$KUBECONFIG"' EXIT
  printf '%s\n' "$KUBECONFIG_TEXT" > "$KUBECONFIG"
fi
unset KUBECONFIG_TEXT

case $COMMAND in
  apply | render)
    version=--version
    set -- ${CANARY:+"--canary=$CANARY"}
    ;;
  rollback)
    version=--to
    set -- "--reason=$REASON"
    ;;
  upload)
    version=--version
    set --
    ;;
  *)
    echo "::error::mlci deploy: the input \`command\` is \`apply\`, \`render\`, \`upload\` or \`rollback\`"
    exit 2
    ;;
esac
if [ -n "$OUTPUT" ] && [ "$COMMAND" != render ] && [ "$COMMAND" != rollback ]; then
  echo "::error::mlci deploy: \`output\` is a file for \`render\` and \`rollback\`; \`$COMMAND\` writes none"
  exit 2
fi
"$MLCI" deploy "$COMMAND" --config="$CONFIG" ${VERSION:+"$version=$VERSION"} ${OUTPUT:+"--output=$OUTPUT"} "$@"

"""Environment variables that are withheld from the user's commands."""

import re

NEVER_GIVEN = re.compile(
    r"(GITHUB|GH|GH_ENTERPRISE|GITHUB_ENTERPRISE)_(TOKEN|PAT)"
    r"|GITHUB_(ENV|OUTPUT|PATH|STATE|STEP_SUMMARY)"
    r"|ACTIONS_(.*TOKEN.*|RUNTIME_.*|ID_TOKEN_.*|CACHE_URL|RESULTS_URL)"
    r"|INPUT_.*(TOKEN|SECRET|PASSWORD|PRIVATE.KEY|LABEL.KEY).*"
    r"|MLCI_.*",  # mlci's own settings; a value from outside must not replace a step's
    re.IGNORECASE,
)

"""What a person reads who opens the branch or the release on GitHub."""

LEDGER = """\
# Ledger of {model}

mlci keeps this branch: one commit for each verdict, promotion and roll-back, in `ledger/`. It has no history in common
with the project and is only ever moved forward. Please do not edit, merge or delete it: mlci would notice and stop.

`mlci ledger verify` checks all of it; `mlci ledger log` prints it. The files of each version are assets of the
releases `mlci/{model}/files-…`, named by their SHA-256.
"""

FILES = """\
mlci keeps the files of the model versions of `{model}` here: models, predictions, reports, named by their SHA-256.
They belong to the ledger on the branch `mlci/{model}`. Please do not delete or replace them: mlci would notice and
stop. This is no release of the project.
"""

"""Credentials in texts of models: masked by their form, and nothing else."""

import pytest

from mlci.scores.secrets import MASK, mask_secrets

FORMS = [
    "sk-" + "a1B2" * 6,
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "a1B2" * 9,
    "AKIA" + "ABCD1234" * 2,
    "xoxb-" + "123456789012",
    "AIza" + "a1B2" * 9,
    "hf_" + "a1B2" * 6,
    "eyJ" + "a1B2" * 4 + "." + "a1B2" * 4 + "." + "a1B2" * 4,
]


@pytest.mark.parametrize("secret", FORMS, ids=lambda secret: secret[:5])
def test_mask_secrets__forms_of_providers(secret):
    assert mask_secrets(f"the key is {secret}, keep it") == f"the key is {MASK}, keep it"


def test_mask_secrets__beside_their_words():
    assert mask_secrets("Authorization: Bearer " + "a1B2" * 6) == f"Authorization: Bearer {MASK}"
    assert mask_secrets("postgres://ada:pass-word@db/x") == f"postgres://{MASK}@db/x"


@pytest.mark.parametrize(
    "text", ["Shop 7 opens at 9:30.", "sk-learn and ask-me", "https://example.org/a@b", "eyJ is a start"]
)
def test_mask_secrets__plain_text(text):
    assert mask_secrets(text) == text

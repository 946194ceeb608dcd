"""Helpers that commands about the registry share: texts, audits, copies, anchors."""

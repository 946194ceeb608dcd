"""Documents about a version: model card, bill of materials, verification summary. Pure."""

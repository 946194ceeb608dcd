"""The baseline: from a file, a git reference, or the champion."""

"""Plans of the gates of a run, of evaluation logs, or of assumed figures."""

"""Steps of `mlci monitor`: read the log, judge its windows, keep the history, show the state on GitHub."""

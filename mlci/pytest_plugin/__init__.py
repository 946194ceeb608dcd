"""pytest plugin: behavioural tests of a model, whose outcomes become rows of the report."""

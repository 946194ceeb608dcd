"""GitHub behind a port: what mlci asks of it (:mod:`mlci.github.interface`), and the adapter that asks."""

"""The cost of mlci: wall time, processor time and memory, against reading the columns alone and against peers.

Every subject is a separate process, started cold, so that imports count; subjects take turns in alternating order.
Run it as ``python -m benchmarks.cost [--rows 100000,1000000,10000000] [--write] [--quick]``.
"""

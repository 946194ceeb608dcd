"""What mlci costs: wall time, processor time and memory, against the floor of reading the columns and against peers.

Every subject is a process of its own, started cold, so that imports count; subjects take turns in alternating order.
Run it as ``python -m benchmarks.cost [--rows 100000,1000000,10000000] [--write] [--quick]``.
"""

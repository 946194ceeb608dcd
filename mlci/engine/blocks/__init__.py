"""Statistics from blocks of rows, in memory that does not grow with the number of rows.

Tables of integers add up in any order, so that blocks may come from threads, shards of one table, or a cluster.
"""

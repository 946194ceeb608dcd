"""Work of Spark's executors: functions from batches of Arrow to bytes that merge in any order."""

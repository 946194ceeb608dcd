"""Cost of Spark's engine on two local executors beside the embedded engine's, and the bytes that the driver gets."""

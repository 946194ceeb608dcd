"""Registry in MLflow: a tracking server with its model registry, or its SQLite database."""

"""Registry in an object store: S3 and compatible ones, Google Cloud Storage, Azure Blob Storage."""

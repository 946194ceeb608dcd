"""Direct access to the buckets of real servers, to create, read, change and damage objects without mlci's code."""

from dataclasses import dataclass, replace
from typing import Any

import boto3
import botocore.config

from mlci.registry.stores.object_store import ObjectStore
from mlci.registry.stores.request_limits import Limits


@dataclass(frozen=True)
class Bucket:
    """A bucket on a server of this machine."""

    port: int
    name: str
    prefix: str = "pre/fix"

    scheme = ""

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.name}/{self.prefix}".rstrip("/")

    @property
    def environment(self) -> dict[str, str]:
        raise NotImplementedError

    def store(self, model: str = "model", *, limits: Any = None, **changes: str) -> ObjectStore:
        """Open the registry; ``changes`` are variables, of which empty ones are removed."""
        environment = {name: value for name, value in {**self.environment, **changes}.items() if value}
        more = {} if limits is None else {"limits": limits, "pause": lambda _: None}
        return ObjectStore(self.url, model, environment, **more)

    def behind(self, port: int) -> "Bucket":
        """The same bucket through another port."""
        return replace(self, port=port)

    def put(self, key: str, data: bytes) -> None:
        raise NotImplementedError

    def delete(self, key: str) -> None:
        raise NotImplementedError

    def spoil(self, digest: str, data: bytes | None) -> None:
        """Put other bytes in the place of a file, or take it away."""
        key = f"{self.prefix}/model/files/{digest[:2]}/{digest}"
        self.delete(key) if data is None else self.put(key, data)


@dataclass(frozen=True)
class S3(Bucket):
    key: str = "AKIDEXAMPLE"
    secret: str = "not-a-secret"  # noqa: S105 - of a server of this machine

    scheme = "s3"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
        }

    @property
    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            region_name="us-east-1",
            config=botocore.config.Config(s3={"addressing_style": "path"}),
        )

    def made(self) -> "S3":
        self.client.create_bucket(Bucket=self.name)
        return self

    def keys(self) -> list[str]:
        return [item["Key"] for item in self.client.list_objects_v2(Bucket=self.name).get("Contents", [])]

    def get(self, key: str) -> bytes:
        return self.client.get_object(Bucket=self.name, Key=key)["Body"].read()

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=data)

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key)


QUICK = Limits(connect=2, request=2, total=4, retries=1, tries=3)

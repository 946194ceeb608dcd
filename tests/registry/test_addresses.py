"""Addresses, settings from the environment, names in a store, and errors of a store's client."""

import http.server
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from obstore.exceptions import GenericError, PermissionDeniedError, UnauthenticatedError

from mlci.errors import OutsideError
from mlci.registry import layout
from mlci.registry.stores import object_store_bucket, object_store_uri
from mlci.registry.stores.interface import Checkpoint
from mlci.registry.stores.object_store import ObjectStore
from mlci.registry.stores.request_limits import Limits
from tests.support.local_server import LocalServer
from tests.support.registry.buckets import QUICK

S3, GS, AZ = (object_store_uri.parse_bucket_uri(f"{scheme}://bucket/a/b/") for scheme in ("s3", "gs", "az"))


class TestSettings:
    def test_parse_bucket_uri__with_and_without_a_prefix(self):
        assert (S3.provider, S3.bucket, S3.prefix, S3.shown) == ("s3", "bucket", "a/b", "s3://bucket/a/b")
        assert object_store_uri.parse_bucket_uri("gs://bucket").shown == "gs://bucket"

    @pytest.mark.parametrize(
        ("place", "variables", "found"),
        [
            (S3, {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"}, {"region": "eu-west-1"}),
            (S3, {"AWS_REGION": "", "AWS_DEFAULT_REGION": "us-east-1"}, {"region": "us-east-1"}),
            (S3, {"AWS_ENDPOINT_URL": "a", "AWS_ENDPOINT_URL_S3": "b"}, {"endpoint": "b"}),
            (S3, {"AWS_SKIP_SIGNATURE": "TRUE", "AWS_PROFILE": "x", "HOME": "y"}, {"skip_signature": True}),
            (GS, {"GOOGLE_OAUTH_ACCESS_TOKEN": "t"}, {"bearer_token": "t"}),
            (GS, {"STORAGE_EMULATOR_HOST": "h:1"}, {"base_url": "http://h:1", "bearer_token": "emulator"}),
            (AZ, {"AZURE_STORAGE_ACCOUNT": "a", "AZURE_STORAGE_KEY": "k"}, {"account_name": "a", "account_key": "k"}),
            (AZ, {"AWS_REGION": "x", "GOOGLE_BASE_URL": "y"}, {}),
        ],
    )
    def test_store_settings__from_the_environment(self, place, variables, found):
        assert object_store_uri.store_settings(place, variables) == found

    @pytest.mark.parametrize("place", [S3, GS, AZ], ids=lambda place: place.provider)
    def test_store_client__obstore_knows_every_setting(self, place):
        for names in object_store_uri._SETTINGS[place.provider].values():
            try:
                object_store_uri.store_client(place, {names[0]: "x"}, Limits())
            except Exception as error:  # noqa: BLE001 - whatever it says of the value, it must know the name
                found = f"{names[0]}: {type(error).__name__}"
            else:
                found = ""
            assert "UnknownConfigurationKeyError" not in found

    def test_limits__large_transfer(self):
        limits = Limits(request=30, total=90, slowest=1e6).transfer(10**9)
        assert (limits.request, limits.total) == (1030, 1090)


class TestNames:
    @pytest.mark.parametrize("model", ["a", "credit-risk", "v1.2_x", "0"])
    def test_model_folder__plain_name(self, model):
        assert layout.model_folder(model) == model

    @pytest.mark.parametrize("model", ["", "A", "a b", "a--b", "-a", "a.", "con", "aux.v1", "é", "a/b", "..", "x" * 65])
    def test_model_folder__other_characters(self, model):
        name = layout.model_folder(model)
        assert "--" in name
        assert len(name) <= 66
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")

    @given(st.text(), st.text())
    def test_model_folder__distinct_without_case(self, one, other):
        assert (layout.model_folder(one).lower() == layout.model_folder(other).lower()) == (one == other)

    @given(st.text())
    def test_model_folder__fixed_point(self, model):
        name = layout.model_folder(model)
        assert "--" in name or layout.model_folder(name) == name

    @given(st.integers(1, 10**12))
    def test_entry_name__round_trip(self, number):
        assert layout.entry_number(layout.entry_name(number)) == number

    @pytest.mark.parametrize(
        "name", ["1.json", "000000000.json", "0000000001.json", "٠٠٠٠٠٠٠٠١.json", "000000001.JSON", ""]
    )
    def test_entry_number__other_file_names(self, name):
        assert layout.entry_number(name) is None

    @pytest.mark.parametrize("digest", ["", "../x", "A" * 64, "0" * 63, "0" * 64 + "\n"])
    def test_file_name__not_a_digest(self, digest):
        with pytest.raises(ValueError, match="not a SHA-256"):
            layout.file_name(digest)

    def test_entry_name__zero(self):
        with pytest.raises(ValueError, match="from 1"):
            layout.entry_name(0)


class TestRefusals:
    def test_object_store__google_federation_file(self, tmp_path):
        (tmp_path / "file.json").write_text('{"type": "external_account"}', "utf-8")
        variables = {"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "file.json")}
        with pytest.raises(OutsideError, match=r"not a service account's.*set .*GOOGLE_OAUTH_ACCESS_TOKEN"):
            ObjectStore("gs://bucket/p", "model", variables)
        assert ObjectStore("gs://bucket/p", "model", variables | {"GOOGLE_OAUTH_ACCESS_TOKEN": "t"}).shown

    @pytest.mark.parametrize(
        ("error", "said"),
        [
            (GenericError("status code: 403 Forbidden: <Code>ExpiredToken</Code>"), "the credentials were refused"),
            (PermissionDeniedError("status code: 403 <Code>AccessDenied</Code>"), r"access denied \(AccessDenied\)"),
            (UnauthenticatedError("status code: 401"), "the credentials were refused"),
            (GenericError("status code: 500 <Code>InternalError</Code>"), r"the store answered 500 \(InternalError\)"),
            (GenericError("HTTP error: operation timed out, retry_timeout: 3s"), "the store did not answer in time"),
            (GenericError("error sending request for https://h/?sig=hunter2 retry_timeout"), "no connection"),
            (GenericError("anything with hunter2"), "the store's client failed"),
        ],
    )
    def test_store_error__message(self, error, said):
        found = object_store_bucket.store_error(error, S3, what="look", write=False)
        assert isinstance(found, OutsideError)
        assert "hunter2" not in str(found)
        with pytest.raises(OutsideError, match=f"s3://bucket/a/b: could not look: {said}"):
            raise found

    @pytest.mark.parametrize(
        ("text", "final"),
        [("status code: 403", True), ("status code: 429", False), ("status code: 500", False), ("NoSuchBucket", True)],
    )
    def test_is_final__errors(self, text, final):
        assert object_store_bucket.is_final(GenericError(text)) is final


class Recorder(http.server.BaseHTTPRequestHandler):
    """Record requests, answer reads from ``kept`` and refuse every write."""

    seen: list
    kept: dict

    def do_GET(self):
        found = self.kept.get(self.path)
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(found or b"")))
        self.send_header("ETag", '"tag"')
        self.send_header("Last-Modified", "Fri, 01 May 2026 10:00:00 GMT")
        self.send_header("x-goog-generation", "1234")
        self.end_headers()
        self.wfile.write(found or b"")

    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.path, self.headers.get("x-goog-if-generation-match")))
        self.send_response(412)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Write nothing."""


class TestGoogle:
    """The literal requests to Google's XML API; their effect is tested on a server, in ``e2e``.

    Generation 0 means "must not be there": https://docs.cloud.google.com/storage/docs/xml-api/reference-headers.
    """

    @pytest.fixture
    def requests_to_google(self):
        handler = type("Handler", (Recorder,), {"seen": [], "kept": {}})
        with LocalServer(handler) as server:
            variables = {"STORAGE_EMULATOR_HOST": f"127.0.0.1:{server.server_port}"}
            yield handler, ObjectStore("gs://bucket/p", "model", variables, limits=QUICK, pause=lambda _: None)

    def test_append__google_precondition(self, requests_to_google):
        handler, store = requests_to_google
        with pytest.raises(OutsideError):
            store.append(1, b"x")
        assert {match for _, match in handler.seen} == {"0"}
        probed, written = sorted({re.sub("probe%2D.*", "probe", path) for path, _ in handler.seen}, reverse=True)
        assert probed == "/bucket/p%2Fmodel%2Ftmp%2Fprobe"  # whether the store holds to the condition at all
        assert written == "/bucket/p%2Fmodel%2Fledger%2F000000001%2Ejson"

    def test_write_checkpoint__google_precondition(self, requests_to_google):
        handler, store = requests_to_google
        handler.kept["/bucket/p%2Fmodel%2Fwitness%2Ejson"] = b'{"digest":"%s","number":1}' % (b"a" * 64)
        store.write_checkpoint(Checkpoint(number=2, digest="b" * 64))
        assert {match for _, match in handler.seen} == {"1234"}

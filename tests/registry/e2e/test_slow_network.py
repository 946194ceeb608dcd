"""A server that stalls or sends single bytes: minutes of waiting, so not among the quick tests."""

import pytest

from mlci.registry.stores.request_limits import Limits
from tests.support.registry.network import CALLS, call_with_fault
from tests.support.registry.proxy import Fault, Proxy

SHORT = Limits(connect=1, request=1, total=2, retries=1, tries=2)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", ["stall", "drip"])
def test_object_store__slow_server(s3, tmp_path, fault, call):
    proxy = Proxy(s3.port)
    shaky = s3.behind(proxy.port).store(limits=SHORT)
    call_with_fault(s3, shaky, proxy, Fault(fault, seconds={"stall": 30, "drip": 0.2}[fault]), call, tmp_path)
    proxy.close()

"""One session of Spark with two executors in processes of their own, for all tests; `make spark-e2e` runs them."""

import os
import shutil
from pathlib import Path

import pytest

from mlci.engine.spark.session import SparkSettings, open_session
from mlci.engine.spark.spark_engine import SparkEngine

MASTER = "local-cluster[2,1,1024]"


@pytest.fixture(scope="session")
def session(tmp_path_factory):
    if shutil.which("java") is None:
        pytest.exit("these tests start Spark, which needs Java 17 or 21: install openjdk-17-jre-headless", 2)
    warehouse = tmp_path_factory.mktemp("warehouse")
    conf = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.session.timeZone": "America/New_York",
        "spark.sql.warehouse.dir": str(warehouse),
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.files.openCostInBytes": "1g",  # a partition for each file
        "spark.log.level": "ERROR",
        "spark.driver.extraJavaOptions": f"-XX:TieredStopAtLevel=1 -Dderby.system.home={warehouse}",
        "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    }
    with open_session(SparkSettings(master=MASTER, conf=conf, environment=os.environ)) as started:
        yield started
        work = started.sparkContext.applicationId
    _remove_work(work)


def _remove_work(application):
    """Remove what the executors of a local cluster leave beside Spark's own files."""
    import pyspark  # noqa: PLC0415 - not installed for other tests

    shutil.rmtree(Path(pyspark.__file__).parent / "work" / application, ignore_errors=True)


@pytest.fixture
def engine(session):
    return SparkEngine(SparkSettings(), session=session)


def pytest_collection_modifyitems(items):
    """Let PySpark warn about pandas 3, which it does at its first call with Arrow."""
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"))

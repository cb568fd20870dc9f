"""Tables from elsewhere: an object store, a web server, a database server; all of them real, on this machine."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import fsspec
import pandas as pd
import pytest
from moto.server import ThreadedMotoServer

from automl.data.io import read_table
from automl.errors import DataError


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, but for what is secret."""

    def log_message(self, format: str, *args: object) -> None:
        pass

    def send_head(self) -> object:  # type: ignore[override]
        return self.send_error(403) if self.path.startswith("/secret") else super().send_head()


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """An address in an object store."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        fsspec.get_filesystem_class("s3").clear_instance_cache()
        fsspec.filesystem("s3").mkdir("shop")
        yield "s3://shop"
    server.stop()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a folder that a web server shows."""
    folder = tmp_path_factory.mktemp("site")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        (folder / "folder.txt").write_text(str(folder))
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def put(address: str, content: bytes) -> None:
    with fsspec.open(address, "wb") as file:
        file.write(content)


def test_an_object_store(bucket: str) -> None:
    for part in range(2):
        put(f"{bucket}/data/part-{part}.csv", f"a;b\n{part},5;x\n".encode())
    frame, reading = read_table(f"{bucket}/data/part-*.csv")
    assert frame["a"].tolist() == ["0,5", "1,5"]
    assert reading.describe() == "';' separated, utf-8, 2 files, decimal comma, 2 rows x 2 columns"
    for missing in ("none.csv", "none*.csv"):
        with pytest.raises(DataError, match=r"(there is no file|no file matches) 's3://shop/none"):
            read_table(f"{bucket}/{missing}")
    with pytest.raises(DataError, match=r"there is no file 's3://elsewhere/t\.csv'"):
        read_table("s3://elsewhere/t.csv")


def test_a_web_server(site: str) -> None:
    folder = Path(fsspec.filesystem("http").cat(f"{site}/folder.txt").decode())
    (folder / "t.csv.gz").write_bytes(gzip.compress(b"a,b\n1,x\n"))
    pd.DataFrame({"a": [1], "b": ["x"]}).to_parquet(folder / "t.parquet")
    assert read_table(f"{site}/t.csv.gz")[0].to_dict("list") == {"a": ["1"], "b": ["x"]}
    assert read_table(f"{site}/t.parquet?token=secret")[0].to_dict("list") == {"a": [1], "b": ["x"]}
    for missing in ("none.csv", "none.csv?token=secret"):
        with pytest.raises(DataError, match=r"there is no file 'http://.*/none\.csv'$"):
            read_table(f"{site}/{missing}")
    with pytest.raises(DataError, match=r"cannot read 'http://.*/secret\.csv': 403 Forbidden$"):
        read_table(f"{site}/secret.csv?token=secret")


def test_a_web_server_that_does_not_answer_is_not_a_missing_file() -> None:
    with pytest.raises(DataError, match=r"cannot read 'http://127\.0\.0\.1:9/t\.csv': Cannot connect to host"):
        read_table("http://127.0.0.1:9/t.csv")

"""An object store that speaks S3's protocol on loopback, as far as pyarrow and Sail speak it; it can refuse writes.

It shows objects only when they are whole, lists a page at a time, and keeps all in memory.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

PAGE = 100  # keys of a listing
BUCKETS = ("encore", "bucket-of-its-own")


class Store:
    """What lies in it by bucket and key, with the time; `left` writes are still let through, None: all."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, float]] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.numbers = count()
        self.left: int | None = None
        self.lock = threading.Lock()

    def may_write(self) -> bool:
        with self.lock:
            if self.left is not None:
                self.left -= 1
            return self.left is None or self.left >= 0

    def keys(self, prefix: str) -> list[str]:
        """The keys that begin so, without it; those of markers of folders are left out."""
        with self.lock:
            return sorted(key[len(prefix) :] for key in self.objects if key.startswith(prefix) and key[-1] != "/")


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    store: Store

    def log_message(self, format: str, *values: object) -> None:
        return

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    @property
    def key(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix("/")

    @property
    def query(self) -> dict[str, str]:
        asked = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        return {name: values[0] for name, values in asked.items()}

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if "/" not in self.key.rstrip("/"):
            self.answer(*self.listing() if self.query else (200, b""))
            return
        found = self.store.objects.get(self.key)
        if found is None:
            self.refuse(404, "NoSuchKey")
            return
        data, at = found
        headers = {"Last-Modified": formatdate(at, usegmt=True), "ETag": tag(data), "Accept-Ranges": "bytes"}
        if given := self.headers.get("Range"):
            first, last = given.removeprefix("bytes=").split("-")
            begin = int(first) if first else len(data) - int(last)
            end = min(int(last) + 1, len(data)) if first and last else len(data)
            headers["Content-Range"] = f"bytes {begin}-{end - 1}/{len(data)}"
            self.answer(206, data[begin:end], headers)
        else:
            self.answer(200, data, headers)

    def do_PUT(self) -> None:
        data = self.body()
        if "uploadId" in self.query:
            self.store.uploads[self.query["uploadId"]][int(self.query["partNumber"])] = data
        elif not self.put(data):
            return
        self.answer(200, b"", {"ETag": tag(data)})

    def do_POST(self) -> None:
        body = self.body()
        if "uploads" in self.query:
            upload = str(next(self.store.numbers))
            self.store.uploads[upload] = {}
            self.answer(200, xml("InitiateMultipartUploadResult", f"<UploadId>{upload}</UploadId>"))
        elif "uploadId" in self.query:
            parts = self.store.uploads.pop(self.query["uploadId"])
            data = b"".join(parts[number] for number in sorted(parts))
            if self.put(data):
                self.answer(200, xml("CompleteMultipartUploadResult", f"<ETag>{tag(data)}</ETag>"))
        elif self.store.may_write():
            bucket = self.key.rstrip("/")
            keys = [one.text or "" for one in ElementTree.fromstring(body).iter() if one.tag.endswith("Key")]
            for key in keys:
                self.store.objects.pop(f"{bucket}/{key}", None)
            gone = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
            self.answer(200, xml("DeleteResult", gone))
        else:
            self.refuse(403, "AccessDenied")

    def do_DELETE(self) -> None:
        if "uploadId" in self.query:
            self.store.uploads.pop(self.query["uploadId"], None)
        elif not self.store.may_write():
            self.refuse(403, "AccessDenied")
            return
        else:
            self.store.objects.pop(self.key, None)
        self.answer(204, b"")

    def put(self, data: bytes) -> bool:
        if self.key.partition("/")[0] not in BUCKETS:
            self.refuse(404, "NoSuchBucket")
            return False
        if not self.store.may_write():
            self.refuse(403, "AccessDenied")
            return False
        with self.store.lock:
            self.store.objects[self.key] = data, time.time()
        return True

    def listing(self) -> tuple[int, bytes]:
        bucket, asked = self.key.rstrip("/"), self.query
        if bucket not in BUCKETS:
            return 404, xml("Error", "<Code>NoSuchBucket</Code>")
        prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter", "")
        after, most = asked.get("continuation-token", ""), min(int(asked.get("max-keys", PAGE)), PAGE)
        with self.store.lock:
            begin = f"{bucket}/{prefix}"
            found = {key[len(bucket) + 1 :]: one for key, one in self.store.objects.items() if key.startswith(begin)}
        entries: dict[str, str] = {}
        for key, (data, at) in sorted(found.items()):
            head, cut, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
            if cut:
                entries[prefix + head + cut] = (
                    f"<CommonPrefixes><Prefix>{escape(prefix + head + cut)}</Prefix></CommonPrefixes>"
                )
                continue
            when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03d}Z"
            about = f"<LastModified>{when}</LastModified><ETag>{tag(data)}</ETag><Size>{len(data)}</Size>"
            entries[key] = f"<Contents><Key>{escape(key)}</Key>{about}</Contents>"
        page = sorted(name for name in entries if name > after)[: most + 1]
        is_cut = len(page) > most
        told = "".join(entries[name] for name in page[:most])
        more = f"<NextContinuationToken>{escape(page[most - 1])}</NextContinuationToken>" if is_cut else ""
        about = f"<Name>{bucket}</Name><KeyCount>{len(page[:most])}</KeyCount>"
        return 200, xml("ListBucketResult", f"{about}<IsTruncated>{str(is_cut).lower()}</IsTruncated>{more}{told}")

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") == "chunked":
            data = b"".join(iter(self.chunk, b""))
        else:
            data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self.headers.get("x-amz-content-sha256", "").startswith("STREAMING-"):
            return data
        found = b""  # in chunks of Amazon's own, with checksums behind them
        while data:
            size, _, data = data.partition(b"\r\n")
            length = int(size.split(b";")[0], 16)
            if not length:
                break
            found, data = found + data[:length], data[length + 2 :]
        return found

    def chunk(self) -> bytes:
        size = int(self.rfile.readline().split(b";")[0], 16)
        data = self.rfile.read(size)
        while self.rfile.readline().strip():
            continue
        return data

    def refuse(self, status: int, code: str) -> None:
        self.answer(status, xml("Error", f"<Code>{code}</Code><Message>{code}</Message>"))

    def answer(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def tag(data: bytes) -> str:
    return f'"{md5(data, usedforsecurity=False).hexdigest()}"'


def xml(name: str, content: str) -> bytes:
    return f'<?xml version="1.0"?><{name}>{content}</{name}>'.encode()


@contextmanager
def serving(store: Store, told: Callable[[str, str], None]) -> Iterator[None]:
    """Serve a store while the block runs; `told` is given the variables of the environment by which it is found."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"store": store}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    given = {"ENDPOINT_URL": address, "ACCESS_KEY_ID": "me", "SECRET_ACCESS_KEY": "mine", "REGION": "us-east-1"}
    for name, value in (given | {"EC2_METADATA_DISABLED": "true"}).items():
        told(f"AWS_{name}", value)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()

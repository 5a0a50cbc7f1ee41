"""Files of other hosts, fetched only where the server was started for it (POINTLLM_FETCH_URLS=1), and with care.

A stranger who may name an address must not reach what only this server can: every address is resolved here, refused
unless it is one of the public internet, and connected to as it was checked; so are the ones it redirects to.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import time
from collections.abc import Callable
from urllib.parse import urljoin

import httpx

from pointllm.errors import InputError

REDIRECTS = 5
SECONDS = 60  # for the whole of a file
PORTS = {"http": 80, "https": 443}
# IPv6 that stands for IPv4, which may be a private one.
DISGUISED = [ipaddress.ip_network(network) for network in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")]
# Media type → suffix: what the standard library does not know, or names by another suffix than people do.
SUFFIXES = {
    "model/gltf-binary": ".glb", "model/gltf+json": ".gltf", "model/obj": ".obj", "model/stl": ".stl",
    "model/ply": ".ply", "model/3mf": ".3mf", "model/vnd.collada+xml": ".dae", "application/x-ply": ".ply",
    "application/vnd.las": ".las", "application/vnd.laszip": ".laz", "application/x-npy": ".npy",
    "image/jpeg": ".jpg", "image/tiff": ".tif", "image/webp": ".webp",
    "audio/mpeg": ".mp3", "audio/mp3": ".mp3", "audio/wav": ".wav", "audio/x-wav": ".wav", "audio/wave": ".wav",
    "audio/ogg": ".ogg", "audio/flac": ".flac", "audio/mp4": ".m4a", "audio/webm": ".webm",
    "video/webm": ".webm", "video/quicktime": ".mov",
}
REFUSAL = ("files are not fetched from other hosts here; send the file itself: upload it, or give a data URL "
           "(data:…;base64,…)")


def allowed() -> bool:
    """Whether addresses are fetched at all."""
    return os.environ.get("POINTLLM_FETCH_URLS", "0") == "1"


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet."""
    try:
        ip = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return False
    if ip.version == 6:
        if ip.ipv4_mapped is not None:
            return ip.ipv4_mapped.is_global and not ip.ipv4_mapped.is_multicast
        if any(ip in network for network in DISGUISED):
            return False
    return ip.is_global and not ip.is_multicast


def fetch(address: str, limit: int, public: Callable[[str], bool] = is_public,
          ports: dict[str, int] | None = PORTS) -> tuple[bytes, str]:
    """Content and type of a file of at most `limit` bytes. InputError where it is not allowed or can't be had."""
    if not allowed():
        raise InputError(REFUSAL)
    ends = time.monotonic() + SECONDS
    for _ in range(REDIRECTS + 1):
        url, ip = _checked(address, public, ports)
        with httpx.Client(transport=_Pinned(ip), trust_env=False, timeout=10, follow_redirects=False) as client:
            try:
                with client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
                    if response.has_redirect_location:
                        address = urljoin(str(url), response.headers["location"])
                        continue
                    if response.status_code != 200:
                        raise InputError(f"{url.host} answered {response.status_code}; check the address")
                    return _read(response, limit, ends), response.headers.get("content-type", "").split(";")[0]
            except httpx.HTTPError as error:
                raise InputError(f"{url.host}: the file can't be fetched ({type(error).__name__})") from error
    raise InputError(f"{address[:80]}: more than {REDIRECTS} redirects; give the file's own address")


def _read(response: httpx.Response, limit: int, ends: float) -> bytes:
    content = bytearray()
    for piece in response.iter_raw():
        content += piece
        if len(content) > limit:
            raise InputError(f"the file is larger than {limit / 1e6:.0f} MB; take a smaller one")
        if time.monotonic() > ends:
            raise InputError(f"the file did not come within {SECONDS} s; upload it instead")
    return bytes(content)


def _checked(address: str, public: Callable[[str], bool], ports: dict[str, int] | None) -> tuple[httpx.URL, str]:
    """The address and the IP to connect to."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise InputError(f"{address[:80]!r} is no address of a file ({error})") from error
    if url.scheme not in PORTS or not url.host or url.userinfo:
        raise InputError(f"{address[:80]!r}: give an http or https address without a user name")
    if ports is not None and url.port not in (None, ports[url.scheme]):
        raise InputError(f"{url.host}: only the ports 80 and 443 are connected to")
    try:
        found = [entry[4][0] for entry in socket.getaddrinfo(url.host, None, type=socket.SOCK_STREAM)]
    except OSError as error:
        raise InputError(f"{url.host}: no such host") from error
    if not found or not all(map(public, found)):
        raise InputError(f"{url.host}: is not a host of the public internet")
    return url, found[0]


class _Pinned(httpx.HTTPTransport):
    """Connects to the IP that was checked; certificates are checked for the host's name."""

    def __init__(self, ip: str) -> None:
        super().__init__()
        self._ip = ip

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "sni_hostname": request.url.host}
        request.url = request.url.copy_with(host=self._ip)
        return super().handle_request(request)


def guard_gradio() -> None:
    """Let gradio, which fetches any public address that stands where an upload should, keep to the same rules."""
    from gradio import processing_utils
    from gradio.exceptions import Error

    async def download(url: str, cache_dir: str) -> str:
        import anyio

        from .api.references import path_of
        from .api.store import store

        try:
            path = await anyio.to_thread.run_sync(path_of, url, store())
        except InputError as error:
            raise Error(str(error), print_exception=False) from error
        return processing_utils.save_file_to_cache(path, cache_dir)

    processing_utils.async_ssrf_protected_download = download



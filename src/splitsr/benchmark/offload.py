"""On the device, or on a server: the paper's argument in numbers.

What a server costs is upload + server + download: the photo goes up as a JPEG, the larger one comes
back as a JPEG, each over the given link, and a round trip is waited for once. The link's figure
holds for both directions; no connection is set up, nothing is lost, and the server has no queue:
all of it in the server's favour.
"""

from __future__ import annotations

import io

import msgspec
import numpy as np
import numpy.typing as npt

from splitsr.imaging.files import Photo, write_photo
from splitsr.imaging.resize import rescale_bicubic, resize_bicubic

INPUT_QUALITY = 90
OUTPUT_QUALITY = 90


class Link(msgspec.Struct, frozen=True):
    """A network link.

    Attributes:
        mbit: megabits (1e6) a second, in each direction.
        rtt_ms: round trip, milliseconds.
    """

    mbit: float
    rtt_ms: float


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that a server needs sent.

    Attributes:
        up_bytes: JPEG of the photo.
        down_bytes: JPEG of the larger one.
    """

    up_bytes: int
    down_bytes: int


class Offload(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A photo on the device and through a server.

    Attributes:
        model: the network.
        precision: on the device.
        mbit: of the link.
        rtt_ms: of the link.
        up_bytes: JPEG of the photo.
        down_bytes: JPEG of the larger one.
        device_ms: the network on the device.
        upload_ms: half a round trip, and the photo on the link.
        server_ms: the server's computing.
        download_ms: half a round trip, and the larger photo on the link.
        offload_ms: upload, server and download.
        speedup: `offload_ms` over `device_ms`; above 1 the device is faster.
    """

    model: str
    precision: str
    mbit: float
    rtt_ms: float
    up_bytes: int
    down_bytes: int
    device_ms: float
    upload_ms: float
    server_ms: float
    download_ms: float
    offload_ms: float
    speedup: float


def measure_transfer(photo: npt.NDArray[np.uint8], height: int, width: int, scale: int) -> Transfer:
    """Bytes of a real photo and of its enlargement as JPEGs.

    The enlargement is bicubic: its bytes are those of a softer image, which is in the server's
    favour once more.

    Args:
        photo: (H, W, 3), resized to the size asked for.
        height: rows of the photo that is sent.
        width: columns.
        scale: the enlargement.
    """
    lr = resize_bicubic(photo, height, width)
    return Transfer(
        up_bytes=_jpeg_bytes(lr, INPUT_QUALITY),
        down_bytes=_jpeg_bytes(rescale_bicubic(lr, scale), OUTPUT_QUALITY),
    )


def compare(
    model: str, precision: str, device_ms: float, transfer: Transfer, link: Link, server_ms: float
) -> Offload:
    """Holds the device against a server behind a link."""
    upload = link.rtt_ms / 2 + _milliseconds(transfer.up_bytes, link)
    download = link.rtt_ms / 2 + _milliseconds(transfer.down_bytes, link)
    total = upload + server_ms + download
    return Offload(
        model=model,
        precision=precision,
        mbit=link.mbit,
        rtt_ms=link.rtt_ms,
        up_bytes=transfer.up_bytes,
        down_bytes=transfer.down_bytes,
        device_ms=device_ms,
        upload_ms=round(upload, 2),
        server_ms=server_ms,
        download_ms=round(download, 2),
        offload_ms=round(total, 2),
        speedup=round(total / device_ms, 3),
    )


def _milliseconds(size: int, link: Link) -> float:
    return 8e3 * size / (link.mbit * 1e6)


def _jpeg_bytes(pixels: npt.NDArray[np.uint8], quality: int) -> int:
    stream = io.BytesIO()
    write_photo(Photo(pixels), stream, format="jpeg", quality=quality)
    return stream.tell()

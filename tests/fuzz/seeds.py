"""Small images of every kind that is read: what mutations begin from."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
import tifffile
from PIL import Image
from PIL.PngImagePlugin import PngInfo

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
_MOST_CORPUS_BYTES = 12_000
_XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta>'


def make_seeds() -> dict[str, bytes]:
    """Files by a name that says what they are."""
    seeds = dict(_pillow_seeds())
    seeds |= dict(_tiff_seeds())
    for path in sorted(CORPUS.glob("*/*")):
        if path.stat().st_size <= _MOST_CORPUS_BYTES:
            seeds[path.name] = path.read_bytes()
    return seeds


def _photo() -> Image.Image:
    return Image.fromarray(skimage.data.chelsea()[60:84, 100:131])


def _saved(image: Image.Image, format_name: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format_name, **options)
    return stream.getvalue()


def _pillow_seeds() -> Iterator[tuple[str, bytes]]:
    photo = _photo()
    clear = photo.copy()
    clear.putalpha(photo.getchannel(1))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    exif.get_ifd(0x8769).update({0xA002: 31, 0xA003: 24, 0x9286: b"ASCII\0\0\0said"})
    told = {"exif": exif.tobytes(), "icc_profile": bytes(128), "xmp": _XMP}
    text = PngInfo()
    text.add_text("Comment", "said", zip=True)
    text.add_itxt("Title", "said")
    palette = photo.quantize(7)
    kinds: list[tuple[str, Image.Image, dict[str, Any]]] = [
        ("JPEG", photo, {**told, "comment": "said", "dpi": (300, 300)}),
        ("JPEG", photo, {"progressive": True}),
        ("JPEG", photo, {"restart_marker_blocks": 3, "subsampling": 0}),
        ("JPEG", photo.convert("L"), {}),
        ("JPEG", photo.convert("CMYK"), {}),
        ("PNG", photo, {"exif": told["exif"], "pnginfo": text, "dpi": (72, 72)}),
        ("PNG", clear, {"icc_profile": told["icc_profile"]}),
        ("PNG", clear.convert("LA"), {}),
        ("PNG", palette, {"transparency": bytes(range(0, 210, 30))}),
        ("PNG", photo.convert("1"), {}),
        ("PNG", Image.fromarray(np.asarray(photo.convert("L")).astype(np.uint16) * 257), {}),
        ("GIF", palette, {"transparency": 3, "comment": "said"}),
        ("BMP", photo, {}),
        ("BMP", palette, {}),
        ("BMP", photo.convert("1"), {}),
        ("PPM", photo, {}),
        ("PPM", photo.convert("L"), {}),
        ("PPM", photo.convert("1"), {}),
        ("WEBP", photo, told),
        ("WEBP", clear, {"lossless": True}),
        ("AVIF", photo, told),
        ("AVIF", clear, {}),
        ("TIFF", photo, told),
        ("TIFF", photo, {"compression": "tiff_lzw"}),
        ("TIFF", photo, {"compression": "jpeg"}),
        ("TIFF", photo.convert("1"), {"compression": "group4"}),
        ("TIFF", clear, {"compression": "packbits"}),
        ("TIFF", palette, {"compression": "tiff_deflate"}),
        ("TIFF", photo.convert("CMYK"), {}),
    ]
    for number, (format_name, image, options) in enumerate(kinds):
        yield f"{format_name}-{number}", _saved(image, format_name, **options)
    yield "plain-ppm", b"P3 2 2 255\n" + b" ".join(str(n * 20).encode() for n in range(12))
    yield "plain-pbm", b"P1 # said\n4 3\n1 0 1 1 0 0 1 0 1 1 1 0\n"


def _tiff_seeds() -> Iterator[tuple[str, bytes]]:
    photo = np.asarray(_photo())
    deep = photo.astype(np.uint16) * 257
    kinds: list[tuple[np.ndarray, dict[str, Any]]] = [
        (photo, {"photometric": "rgb", "rowsperstrip": 5}),
        (photo, {"photometric": "rgb", "tile": (16, 16), "byteorder": ">"}),
        (photo.transpose(2, 0, 1), {"photometric": "rgb", "planarconfig": "separate"}),
        (photo[:, :, 0], {"photometric": "miniswhite", "bigtiff": True}),
        (deep, {"photometric": "rgb", "compression": "zlib", "predictor": True}),
        (deep[:, :, 0], {"photometric": "minisblack", "rowsperstrip": 3, "byteorder": ">"}),
    ]
    for number, (pixels, options) in enumerate(kinds):
        stream = io.BytesIO()
        tifffile.imwrite(stream, pixels, metadata=None, **options)
        yield f"tifffile-{number}", stream.getvalue()

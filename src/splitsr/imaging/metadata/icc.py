"""ICC profiles made from the few numbers in which PNG and AVIF say what their colours are.

A profile of the simplest kind: a matrix and one curve for RGB, a curve for gray (ICC.1:2022, 8.3
and 8.4), with the curve types of 10.18. Code points are those of ITU-T H.273 (CICP).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_SRGB = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_D65 = (0.3127, 0.3290)
_C = (0.310, 0.316)
_DCI_WHITE = (0.314, 0.351)
_D50 = np.array([0.9642, 1.0, 0.8249])
_Matrix = npt.NDArray[np.float64]
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
# x and y of red, green and blue, and of white (H.273, table 2).
_PRIMARIES = {
    1: (*_SRGB, *_D65),
    4: (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, *_C),
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *_D65),
    6: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65),
    7: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65),
    8: (0.681, 0.319, 0.243, 0.692, 0.145, 0.049, *_C),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *_D65),
    11: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_DCI_WHITE),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_D65),
    22: (0.630, 0.340, 0.295, 0.605, 0.155, 0.077, *_D65),
}
# Curves from sample to light as ICC's type 3 has them: exponent, a, b, c, d (H.273, table 3).
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_VIDEO_CURVE = (1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081)
_CURVES: dict[int, tuple[float, ...]] = {
    **dict.fromkeys((1, 6, 11, 14, 15), _VIDEO_CURVE),
    4: (2.2,),
    5: (2.8,),
    7: (1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 1 / 4.0, 0.0912),
    8: (1.0,),
    13: _SRGB_CURVE,
}
_UNSPECIFIED = (0, 2, 3)
_CURVE_TYPES = {1: 0, 5: 3}
_MOST = 32_767  # of a fixed-point number with 16 bits before the point


def is_hdr_cicp(primaries: int, transfer: int) -> bool:
    """Whether no profile of a matrix and a curve says these code points, as for PQ and HLG."""
    known = (*_PRIMARIES, *_UNSPECIFIED), (*_CURVES, *_UNSPECIFIED)
    return primaries not in known[0] or transfer not in known[1]


def cicp_profile(primaries: int, transfer: int, *, gray: bool) -> bytes | None:
    """The profile of code points; None for those of sRGB and those of `is_hdr_cicp`."""
    if is_hdr_cicp(primaries, transfer):
        return None
    corners = _PRIMARIES.get(primaries, _PRIMARIES[1])
    return _profile(corners, _CURVES.get(transfer, _SRGB_CURVE), gray=gray)


def gamma_profile(
    gamma: int | None, chromaticities: Sequence[int] | None, *, gray: bool
) -> bytes | None:
    """The profile of a PNG's gAMA and cHRM chunks.

    Args:
        gamma: 100 000 times the exponent from light to sample; None where it is not said.
        chromaticities: 100 000 times x and y of white, red, green and blue; None where not said.
        gray: whether the profile is of gray, not of RGB.

    Returns:
        None for sRGB, and for numbers that no light has.
    """
    sound = gamma is not None and 10_000 <= gamma <= 1_000_000
    curve = (100_000 / gamma,) if gamma and sound else _SRGB_CURVE
    corners: tuple[float, ...] = _PRIMARIES[1]
    if chromaticities is not None:
        white_x, white_y, *rest = (value / 100_000 for value in chromaticities)
        corners = (*rest, white_x, white_y)
    return _profile(corners, curve, gray=gray)


def is_for(profile: bytes, *, gray: bool) -> bool:
    """Whether a profile's colour space (bytes 16 to 19 of its header) is gray, or else RGB."""
    return profile[16:20] == (b"GRAY" if gray else b"RGB ")


def fit_profile(profile: bytes | None, *, gray: bool) -> bytes | None:
    """The profile for pixels that may have become RGB of equal parts; None where there is none."""
    if profile is None or is_for(profile, gray=gray):
        return profile
    curve = None if gray else _curve_of(profile)
    return None if curve is None else _rgb_profile(_PRIMARIES[1], curve)


def _profile(corners: tuple[float, ...], curve: tuple[float, ...], *, gray: bool) -> bytes | None:
    if curve == _SRGB_CURVE and (gray or np.allclose(corners, _PRIMARIES[1], atol=2e-3)):
        return None
    tag = struct.pack(">4s4xHxx", b"para", _CURVE_TYPES[len(curve)]) + _fixed(curve)
    return _file(b"GRAY", {b"kTRC": tag}) if gray else _rgb_profile(corners, tag)


def _rgb_profile(corners: tuple[float, ...], curve: bytes) -> bytes | None:
    found = _adapt(corners)
    if found is None:
        return None
    columns, adaptation = found
    tags = {b"chad": b"sf32\0\0\0\0" + _fixed(adaptation.ravel().tolist())}
    for name, column in zip((b"r", b"g", b"b"), columns.T.tolist(), strict=True):
        tags[name + b"XYZ"] = b"XYZ \0\0\0\0" + _fixed(column)
        tags[name + b"TRC"] = curve
    return _file(b"RGB ", tags)


def _adapt(corners: tuple[float, ...]) -> tuple[_Matrix, _Matrix] | None:
    """X, Y, Z of red, green and blue under D50, in columns, and what adapted them (ICC.1, annex E).

    None for corners that span no colours.
    """
    x, y = np.array(corners[0::2]), np.array(corners[1::2])
    try:
        with np.errstate(all="ignore"):
            light = np.stack([x / y, np.ones_like(x), (1 - x - y) / y])
            rgb, white = light[:, :3], light[:, 3]
            gains = (_BRADFORD @ _D50) / (_BRADFORD @ white)
            adaptation = np.linalg.inv(_BRADFORD) @ np.diag(gains) @ _BRADFORD
            columns = adaptation @ (rgb * np.linalg.solve(rgb, white))
    except np.linalg.LinAlgError:
        return None
    largest = max(np.abs(columns).max(), np.abs(adaptation).max())
    return (columns, adaptation) if largest < _MOST else None  # no, for NaN


def _fixed(numbers: Sequence[float]) -> bytes:
    return struct.pack(f">{len(numbers)}l", *(round(number * 65536) for number in numbers))


def _text(words: str) -> bytes:
    content = words.encode("utf-16-be")
    return struct.pack(">4s4xLL4sLL", b"mluc", 1, 12, b"enUS", len(content), 28) + content


def _file(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A display profile of version 4.3 (ICC.1, section 7); tags with one content share it."""
    white = b"XYZ \0\0\0\0" + _fixed(_D50.tolist())
    about = {b"desc": _text("As the file says"), b"cprt": _text("No copyright"), b"wtpt": white}
    tags = about | tags
    table, content, places = b"", b"", dict[bytes, int]()
    start = 128 + 4 + 12 * len(tags)
    for name, tag in tags.items():
        if tag not in places:
            places[tag] = start + len(content)
            content += tag + bytes(-len(tag) % 4)
        table += struct.pack(">4sLL", name, places[tag], len(tag))
    head = struct.pack(">L4xL4s4s4s", start + len(content), 0x04300000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    head += _fixed(_D50.tolist())
    return head.ljust(128, b"\0") + struct.pack(">L", len(tags)) + table + content


def _curve_of(profile: bytes) -> bytes | None:
    (count,) = struct.unpack(">L", profile[128:132].rjust(4, b"\0"))
    for at in range(132, min(132 + 12 * count, len(profile) - 11), 12):
        found, start, size = struct.unpack_from(">4sLL", profile, at)
        if found == b"kTRC":
            tag = profile[start : start + size]
            return tag if tag[:4] in (b"curv", b"para") else None
    return None

"""An engine that averages a network over flips and quarter turns."""

from __future__ import annotations

import numpy as np

from splitsr.runtime.engine import Engine, FloatArray, lane_of, lanes_of

_AXES = (2, 3)  # height and width


class SymmetricEngine:
    """A network's mean over the eight symmetries of the square: the geometric self-ensemble.

    It takes eight times as long. Source: EDSR (Lim et al. 2017, arXiv 1707.02921, section 3.4).
    """

    def __init__(self, engine: Engine) -> None:
        """Takes the network."""
        self._engine = engine
        self.spec, self.name, self.lanes = engine.spec, engine.name, lanes_of(engine)

    def lane(self) -> Engine:
        """The same by one of the network's lanes."""
        return SymmetricEngine(lane_of(self._engine))

    def run(self, lr: FloatArray) -> FloatArray:
        """Runs the network eight times; see `Engine`."""
        total: FloatArray = np.zeros(1, np.float32)
        for turns in range(4):
            turned = np.rot90(lr, turns, _AXES)
            straight = self._run(turned)
            flipped = self._run(turned[..., ::-1])[..., ::-1]
            total = total + np.rot90(straight + flipped, -turns, _AXES)
        return total * np.float32(1 / 8)

    def _run(self, lr: FloatArray) -> FloatArray:
        return self._engine.run(np.ascontiguousarray(lr))

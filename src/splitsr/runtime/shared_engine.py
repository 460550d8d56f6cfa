"""One engine for several images at once."""

from __future__ import annotations

from threading import BoundedSemaphore

from splitsr.runtime.engine import DividedEngine, Engine, FloatArray


class SharedEngine:
    """A divided engine whose lanes several images share: no more runs at once than it has lanes.

    So threads and memory stay those of one image, and while one image is decoded or encoded, the
    lanes work on others.
    """

    def __init__(self, engine: DividedEngine, free: BoundedSemaphore) -> None:
        """Takes the engine to share, and what counts the lanes that are free, of all engines."""
        self._lane = engine.lane()
        self.spec, self.name, self.lanes = engine.spec, engine.name, engine.lanes
        self._free = free

    def lane(self) -> Engine:
        """Itself: its runs wait for a free lane."""
        return self

    def run(self, lr: FloatArray) -> FloatArray:
        """Runs the network once, as soon as a lane is free; see `Engine`."""
        with self._free:
            return self._lane.run(lr)

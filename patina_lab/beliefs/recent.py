"""The last few results of long computations, by the hash of all that went into them.

Two questions about one log cluster the same observations: the second takes the clusters of
the first.  No result depends on it, since a key names every byte that the result depends on.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

T = TypeVar("T")


class Recent:
    """Remembers what was computed last.

    Parameters
    ----------
    most : int
        Results that are kept; the one that was asked for longest ago is dropped first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._results: OrderedDict[str, object] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str, make: Callable[[], T]) -> T:
        """Return the result of a key, made where it is not at hand.

        Examples
        --------
        >>> recent = Recent(1)
        >>> recent.get("a", lambda: [1]) is recent.get("a", lambda: [2])
        True
        """
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
                return self._results[key]  # type: ignore[return-value]
        made = make()  # without the lock: what is long must not stop others
        with self._lock:
            self._results[key] = made
            while len(self._results) > self._most:
                self._results.popitem(last=False)
        return made


def key_of(said: Iterable[object], vectors: npt.NDArray[np.float32]) -> str:
    """Return the hash of values and of an array: its shape and its bytes.

    Parameters
    ----------
    said : iterable
        Each with a repr that says all of it.
    vectors : numpy.ndarray
    """
    digest = hashlib.sha256()
    for one in (*said, vectors.shape, vectors.dtype.str):
        text = repr(one)
        digest.update(f"{len(text)} {text}\n".encode("utf-8", "surrogatepass"))
    digest.update(vectors.tobytes())
    return digest.hexdigest()

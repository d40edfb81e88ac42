"""A disk in memory that remembers what of it survives a loss of power.

A file's bytes are safe up to its last fsync; after that each later state may be there, torn
or zeroed.  A name in a folder is safe once the folder was synced after it came or went; until
then each change may have reached the disk or not, in any order.
"""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace


class PowerLoss(BaseException):  # no handler of the writer may catch it
    """The disk stopped."""


@dataclass
class _File:
    data: bytes = b""
    safe: bytes | None = None  # None: never synced


@dataclass
class _Folder:
    names: dict[str, object] = field(default_factory=dict)
    safe: dict[str, object] = field(default_factory=dict)
    pending: list[tuple[str, object | None]] = field(default_factory=list)

    def change(self, name, node):
        self.pending.append((name, node))
        if node is None:
            del self.names[name]
        else:
            self.names[name] = node


class FakeDisk:
    """Stands in for the module `os`; loses power before its `stop`-th step."""

    def __init__(self, stop: int | None = None, fail: int | None = None) -> None:
        self.root = _Folder()
        self.handles: dict[int, object] = {}
        self.numbers = itertools.count(3)
        self.steps = 0
        self.syncs = 0
        self.stop, self.fail = stop, fail

    def _step(self):
        if self.steps == self.stop:
            raise PowerLoss
        self.steps += 1

    def _node(self, path):
        node = self.root
        for part in Path(path).parts[1:]:
            if not isinstance(node, _Folder) or part not in node.names:
                raise FileNotFoundError(2, "No such file", str(path))
            node = node.names[part]
        return node

    def _above(self, path):
        return self._node(Path(path).parent), Path(path).name

    def mkdir(self, path, mode=0o777):
        folder, name = self._above(path)
        if name in folder.names:
            raise FileExistsError(17, "exists", str(path))
        self._step()
        folder.change(name, _Folder())

    def lstat(self, path):
        kind = stat.S_IFDIR if isinstance(self._node(path), _Folder) else stat.S_IFREG
        return SimpleNamespace(st_mode=kind | 0o644)

    def open(self, path, flags, mode=0o777):
        if flags & os.O_CREAT:
            folder, name = self._above(path)
            if name in folder.names and flags & os.O_EXCL:
                raise FileExistsError(17, "exists", str(path))
            self._step()
            if name not in folder.names:
                folder.change(name, _File())
        node = self._node(path)
        if flags & os.O_TRUNC:
            self._step()
            node.data = b""
        handle = next(self.numbers)
        self.handles[handle] = node
        return handle

    def write(self, handle, content):
        self._step()
        part = bytes(content)[:200]  # short writes, as the real one may do
        self.handles[handle].data += part
        return len(part)

    def fsync(self, handle):
        self._step()
        self.syncs += 1
        if self.syncs == self.fail:
            raise OSError(5, "Input/output error")
        node = self.handles[handle]
        if isinstance(node, _Folder):
            node.safe, node.pending = dict(node.names), []
        else:
            node.safe = node.data

    def close(self, handle):
        del self.handles[handle]

    def link(self, old, new):
        node = self._node(old)
        folder, name = self._above(new)
        if name in folder.names:
            raise FileExistsError(17, "exists", str(new))
        self._step()
        folder.change(name, node)

    def replace(self, old, new):
        node = self._node(old)
        source, old_name = self._above(old)
        folder, name = self._above(new)
        self._step()
        folder.change(name, node)
        source.change(old_name, None)

    def unlink(self, path):
        folder, name = self._above(path)
        self._node(path)
        self._step()
        folder.change(name, None)

    def after_power_loss(self) -> Iterator[dict[str, bytes]]:
        """Yield each path -> bytes that the disk may hold when it comes back."""
        yield from self._survivors(self.root, "")

    def _survivors(self, folder, inside):
        for kept in itertools.product((True, False), repeat=len(folder.pending)):
            names = dict(folder.safe)
            for (name, node), there in zip(folder.pending, kept, strict=True):
                if there and node is not None:
                    names[name] = node
                elif there:
                    names.pop(name, None)
            choices = [list(self._states(node, f"{inside}/{name}")) for name, node in names.items()]
            for chosen in itertools.product(*choices):
                yield {path: data for part in chosen for path, data in part.items()}

    def _states(self, node, path):
        if isinstance(node, _Folder):
            yield from self._survivors(node, path)
        elif node.data == node.safe:
            yield {path: node.data}
        else:
            whole = node.data
            for data in {node.safe or b"", whole, whole[: len(whole) // 2], bytes(len(whole))}:
                yield {path: data}

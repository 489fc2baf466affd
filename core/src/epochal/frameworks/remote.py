"""Files at addresses, `gs://bucket/run/log.csv`, through the file systems of TensorFlow or of the tensorboard package.

Both have the module `gfile`. TensorFlow's knows `gs://`, `ram://` and what its plugins add; tensorboard's reads S3 with
boto3 and everything that fsspec knows. Keras goes to TensorFlow's on every backend.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import MissingDependencyError, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")


class RemoteFiles:
    """The files of one file system. An object store has no append, so a file is always written whole.

    Args:
        gfile: The module that reads and writes them.
        owner: The callback whose files they are; messages name it.
    """

    def __init__(self, gfile: Any, owner: str) -> None:
        self._gfile = gfile
        self._owner = owner

    def make_folder(self, address: str) -> None:
        """Create a folder and its parents, where the file system has folders.

        Raises:
            OSError: It cannot be created.
        """
        self._do("create the folder", address, lambda: self._gfile.makedirs(address))

    def write(self, address: str, content: bytes) -> None:
        """Write a file, whole.

        Raises:
            OSError: It cannot be written.
        """

        def write() -> None:
            if hasattr(self._gfile, "get_filesystem"):  # tensorboard's; its GFile would take a temporary file
                self._gfile.get_filesystem(address).write(address, content, True)
                return
            if address.startswith("ram://") and self._gfile.exists(address):
                self._gfile.remove(address)  # TensorFlow 2.21 opens it for writing and leaves what is in it
            with self._gfile.GFile(address, "wb") as file:
                file.write(content)

        self._do("write", address, write)

    def read(self, address: str) -> bytes | None:
        """Return the content of a file; None if there is no such file.

        Raises:
            OSError: It cannot be read.
        """

        def read() -> bytes | None:
            if not self._gfile.exists(address):
                return None
            with self._gfile.GFile(address, "rb") as file:
                content: bytes = file.read()
            return content

        return self._do("read", address, read)

    def _do(self, what: str, address: str, action: Callable[[], _Result]) -> _Result:
        try:
            return action()
        except OSError:
            raise
        except Exception as error:  # TensorFlow's and each library's own
            raise OSError(f"{self._owner} cannot {what} {address}: {one_line(error)}") from error


def remote_files(address: str, owner: str) -> RemoteFiles:
    """Return the file system that an address belongs to. TensorFlow is imported only where nothing else knows it.

    Args:
        address: A file or folder, with its scheme.
        owner: The callback that reads or writes there.

    Raises:
        MissingDependencyError: No installed package knows the scheme.
    """
    scheme = address.partition("://")[0]
    gfile = _tensorflow_gfile(scheme, sys.modules.get("tensorflow") is not None)
    if gfile is not None:
        return RemoteFiles(gfile, owner)
    gfile, reason = _tensorboard_gfile(address)
    if gfile is None:
        gfile = _tensorflow_gfile(scheme, _is_installed("tensorflow"))
    if gfile is None:
        raise MissingDependencyError(
            f"{owner}: nothing that is installed writes to {address!r} ({reason}). Install fsspec and its package for "
            f"{scheme}:// (gcsfs for gs://, s3fs for s3://, adlfs for az://), or TensorFlow, which has gs:// built in."
        )
    return RemoteFiles(gfile, owner)


def _tensorflow_gfile(scheme: str, may_import: bool) -> Any:
    if not may_import:
        return None
    gfile = import_module("tensorflow").io.gfile
    return gfile if scheme in gfile.get_registered_schemes() else None


def _tensorboard_gfile(address: str) -> tuple[Any, str]:
    """Return tensorboard's module if it knows the address, else the reason why not."""
    try:
        gfile = import_module("tensorboard.compat.tensorflow_stub.io.gfile")
        gfile.get_filesystem(address)
    except (ImportError, ValueError) as error:  # the package for the scheme is missing; the scheme is unknown
        return None, str(error)
    return gfile, ""


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ValueError:  # sys.modules holds a None or a module without a spec in its place
        return False

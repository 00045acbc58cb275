"""Tell errors of a path, which whoever named it can mend, from those of the disk."""

from __future__ import annotations

import errno

_OF_A_PATH = frozenset(
    {
        *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.EEXIST, errno.ENOTEMPTY),
        *(errno.ENAMETOOLONG, errno.ELOOP, errno.EROFS, errno.EINVAL, errno.ENXIO, errno.ENODEV),
    }
)


def is_of_path(error: OSError) -> bool:
    """Return whether another path would not have the error. A full or broken disk is none of these."""
    return error.filename is not None and error.errno in _OF_A_PATH

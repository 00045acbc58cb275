"""Name the version of the fold: which code made the parts of a store.

It rises with every release that folds events otherwise than the one before: another field of a part, another handler,
another merge. A store notes every version that wrote to it (``store.fold_versions``), so operators see that some of
its parts were made by older code, and that a rebuild is due. ``tests/unit/test_fold_version.py`` finds a change that
the version does not tell.
"""

from __future__ import annotations

FOLD_VERSION = 2
UNKNOWN = 0
"""The version of parts that were written before stores noted it."""

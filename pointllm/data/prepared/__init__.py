"""Objects as training reads them: a cloud and rendered views each, made once and kept in shards.

`prepare` makes them from a data folder (`work`: processes, resuming; `objects`: one object), `PreparedData` reads them
at random or shard by shard (`store`), `shards` is the file format.
"""

from __future__ import annotations

from .objects import Parameters
from .store import PreparedData, StoredCloud
from .work import prepare

__all__ = ["Parameters", "PreparedData", "StoredCloud", "prepare"]

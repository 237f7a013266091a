"""From settings to the prefix cache's storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pylot_ls.config.folders import cache_folder, state_folder
from pylot_ls.engine.persistence import PersistenceConfig, SharedStore
from pylot_ls.engine.speeds import SpeedBook
from pylot_ls.errors import SettingsError
from pylot_ls.kvcache.clearing import clear_folder, look_into
from pylot_ls.kvcache.disk import DiskTier
from pylot_ls.kvcache.memory import MemoryTier
from pylot_ls.kvcache.store import PrefixStore
from pylot_ls.language import Message

if TYPE_CHECKING:
    from pathlib import Path

    from pylot_ls.config.settings import Settings
    from pylot_ls.kvcache.clearing import FolderContent
    from pylot_ls.kvcache.shared_store import CacheStore

BYTES_IN_MB = 2**20
_MEMORY_MB = 256


def kv_folder() -> Path:
    """The folder for evaluated prefixes; it need not exist."""
    return cache_folder() / "kv"


def make_persistence(store: PrefixStore) -> PersistenceConfig:
    """Where backends keep what they evaluate; who made the store closes it."""
    return PersistenceConfig(SharedStore(store), _identities())


def speed_book() -> SpeedBook:
    """Where it is remembered how fast models are."""
    return SpeedBook(state_folder() / "speeds.json", _identities())


def _identities() -> Path:
    return cache_folder() / "models.json"


def clear_cache(store: CacheStore | None = None) -> FolderContent:
    """Remove every trace of evaluated prompts, from disk and from what a store has in memory; what was on disk.

    Waits for the disk.

    Raises:
        SettingsError: something cannot be removed.
    """
    folder = kv_folder()
    try:
        content = look_into(folder)
        if store is not None:
            store.clear()
        clear_folder(folder)
    except OSError as error:
        raise SettingsError(
            Message(
                "the cache in {folder} cannot be cleared: {reason}. Stop the editors and remove it.",
                folder=folder,
                reason=error.strerror or error,
            )
        ) from error
    return content


def make_prefix_store(settings: Settings) -> PrefixStore | None:
    """The store that the settings ask for, with its thread started; None where they ask for none."""
    cache = settings.cache
    if not cache.enabled:
        return None
    disk = None
    if cache.disk_limit_mb:
        disk = DiskTier(kv_folder(), cache.disk_limit_mb * BYTES_IN_MB, cache.daily_write_mb * BYTES_IN_MB)
    # Until the model's plan of the memory says what it may be.
    return PrefixStore(MemoryTier((cache.memory_limit_mb or _MEMORY_MB) * BYTES_IN_MB), disk)

"""Files on the Hugging Face hub. The only importer of huggingface_hub and of the HTTP client that comes with it.

Nothing but what is asked for is told to the hub: telemetry is switched off. What huggingface_hub would do by itself
to download a file is not used: from version 2 it begins anew after every interruption.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

# Read when the package is imported.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import httpx2
from huggingface_hub import get_hf_file_metadata, hf_hub_url
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

from pylot_ls.errors import ConnectionLostError, PullError

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHA256 = re.compile(r"[0-9a-f]{64}")
_TIMEOUT_S = 30.0
_PARTIAL_CONTENT = 206


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on the hub.

    Attributes:
        url: of this very version of it.
        sha256: of its content, in hex, as the hub has it.
    """

    repository: str
    file: str
    url: str
    size_bytes: int
    sha256: str


def look_up(repository: str, file: str, endpoint: str | None = None) -> RemoteFile:
    """Ask the hub for a file's size and hash.

    Args:
        repository: ``owner/name``.
        file: its path in the repository.
        endpoint: of the hub; None for the public one, or that of ``HF_ENDPOINT``.

    Raises:
        PullError: there is no such file, it may not be had, or the hub cannot be reached.
    """
    with _errors(repository, file):
        metadata = get_hf_file_metadata(hf_hub_url(repository, file, endpoint=endpoint), timeout=_TIMEOUT_S)
        url = hf_hub_url(repository, file, revision=metadata.commit_hash, endpoint=endpoint)
    if not metadata.size or not _SHA256.fullmatch(metadata.etag or ""):
        raise PullError(
            f"the hub gives no size and no SHA-256 of {file} in {repository}, so what it sends could not be checked; "
            "fetch the file in another way and name it in model.path",
        )
    return RemoteFile(repository, file, url, metadata.size, metadata.etag or "")


@contextlib.contextmanager
def stream(remote: RemoteFile, start: int) -> Iterator[tuple[int, Iterator[bytes]]]:
    """The content from a byte on, as it arrives: where it begins, which is 0 if the hub sends all of it, and its parts.

    Raises:
        PullError: as ``look_up``, also from the iterator.
    """
    headers = build_hf_headers() | {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    with (
        _errors(remote.repository, remote.file),
        # Followed redirects to other hosts go without the user's token.
        get_session().stream("GET", remote.url, headers=headers, timeout=_TIMEOUT_S) as response,
    ):
        hf_raise_for_status(response)
        yield (start if response.status_code == _PARTIAL_CONTENT else 0), response.iter_raw()


@contextlib.contextmanager
def _errors(repository: str, file: str) -> Iterator[None]:
    """Map what the hub's library raises."""
    page = f"https://huggingface.co/{repository}"
    try:
        yield
    except OfflineModeIsEnabled as error:
        raise PullError(
            "offline mode is on (HF_HUB_OFFLINE), so nothing can be fetched; unset it, or copy the file here by other "
            "means and name it in model.path",
        ) from error
    except GatedRepoError as error:
        raise PullError(
            f"{repository} is gated: accept its terms on {page}, make a token on "
            "https://huggingface.co/settings/tokens and set it as HF_TOKEN, then try again",
        ) from error
    except RepositoryNotFoundError as error:
        raise PullError(f"there is no repository {repository} on the hub, or it is private: see {page}") from error
    except (EntryNotFoundError, HFValidationError) as error:
        raise PullError(f"there is no file {file} in {repository} any more; see {page}/tree/main") from error
    except HfHubHTTPError as error:
        raise PullError(f"the hub answered {error.response.status_code} for {file}; try again later") from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        reason = str(error) or type(error).__name__
        raise ConnectionLostError(
            f"the hub cannot be reached ({reason}); check the network, and HTTPS_PROXY if you need a proxy. What has "
            "been fetched is kept: the same command goes on from there",
        ) from error

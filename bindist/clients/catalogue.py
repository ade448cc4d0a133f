"""What every key may list: applications, their versions, files and statistics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from ..choices import SortBy, SortOrder, check_given_choices
from ..http.response import ApiResponse, Json
from ..pagination import walk_distinct
from .base import BaseClient, named_if_given, segment

if TYPE_CHECKING:  # dictionaries' types are for type checkers, and take 4 ms to make
    from ..types import Application, Applications, Files, Stats, Versions

_TEST_CHANNEL = {"X-Channel": "Test"}
MAX_PAGE_SIZE = 100


class CatalogueClient(BaseClient):
    """The part of a `CustomerClient` that lists."""

    def list_applications(
        self,
        search: str | None = None,
        tags: Iterable[str] | None = None,
        page: int = 1,
        page_size: int = 20,
        *,
        is_active: bool | None = None,
        sort_by: SortBy | None = None,
        sort_order: SortOrder | None = None,
    ) -> ApiResponse[Applications]:
        """Lists one page of the applications. `GET /v1/applications`

        Args:
            search: text to look for in names and descriptions, in any case; default all.
            tags: only applications with any of these tags, compared exactly; default all.
            page: from 1; default 1.
            page_size: 1 to 100 applications; default 20.
            is_active: True for active applications only, False for inactive ones; default both.
            sort_by: `name`, `createdAt` or `updatedAt`; default the server's order.
            sort_order: `asc` or `desc`; default the server's order.

        Returns `Applications`: `applications`, and the role of the key in `isAdmin` and
        `isFinancialAdmin`; `meta["pagination"]` says whether there are further pages. Many
        applications may lack some on every page: `bindist.rows.may_be_cut`.
        """
        query = _application_query(search, tags, is_active, sort_by, sort_order)
        return self._get("/applications", {**query, "page": page, "limit": page_size})

    def iter_applications(
        self,
        search: str | None = None,
        tags: Iterable[str] | None = None,
        *,
        is_active: bool | None = None,
        sort_by: SortBy | None = None,
        sort_order: SortOrder | None = None,
        page_size: int = MAX_PAGE_SIZE,
        limit: int | None = None,
    ) -> Iterator[Application]:
        """Yields each `Application` of all pages once.

        `GET /v1/applications`, once for each page: the first one when it is needed, and then up to
        four at once. Where the list changes meanwhile, it is read again, up to five times in all,
        so that no application is left out that is there all the time; what only then is found comes
        last. `search`, `tags`, `is_active`, `sort_by` and `sort_order` are those of
        `list_applications`; `page_size` is the number of applications per request, 1 to 100;
        default 100. `limit` is how many applications to yield at most, from 1; default None, for
        all. Raises ValueError for a `limit` below 1, ApiError for a page that fails, TransportError
        if no response arrives.
        """
        if limit is not None and limit < 1:
            raise ValueError(f"limit must be 1 or more, not {limit!r}")
        query = _application_query(search, tags, is_active, sort_by, sort_order)

        def fetch(following: Json) -> ApiResponse:
            return self._get("/applications", {**query, "limit": page_size, **following})

        return islice(walk_distinct(fetch, "applications", "applicationId", limit), limit)

    def get_application(self, application_id: str) -> ApiResponse[Application]:
        """Returns one application. `GET /v1/applications/{id}`

        Returns `Application`, without `customers`; 404 also for one that the key may not see.
        """
        return self._get(f"/applications/{segment(application_id, 'application_id')}")

    def list_versions(
        self, application_id: str, test_channel: bool = False, *, changelog: str | None = None
    ) -> ApiResponse[Versions]:
        """Lists the versions of an application. `GET /v1/applications/{id}/versions`

        Args:
            test_channel: True for disabled versions too; default False.
            changelog: text to look for in the release notes, in any case; default all.

        Returns `Versions`: `versions` in the server's order: numbers count as numbers, and a
        pre-release stands above its release. Versions that are not active are in no list. A long
        list may lack versions: `bindist.rows.may_be_cut`.
        """
        return self._get(
            f"/applications/{segment(application_id, 'application_id')}/versions",
            {"changelog": changelog},
            channel_header(test_channel),
        )

    def list_version_files(self, application_id: str, version: str) -> ApiResponse[Files]:
        """Lists the files of a version, enabled or not; counts no download.

        `GET /v1/applications/{id}/versions/{version}/files`. Returns `Files`: `files`, each with
        `fileId`, `fileName`, `fileType`, `fileSize` (bytes) and `checksum` (SHA-256).
        """
        application, number = segment(application_id, "application_id"), segment(version, "version")
        return self._get(f"/applications/{application}/versions/{number}/files")

    def get_stats(self, application_id: str, *, version: str | None = None) -> ApiResponse[Stats]:
        """Download statistics; needs an administrator's key. `GET /v1/applications/{id}/stats`

        `version` limits the statistics to one version; default all. Returns `Stats`:
        `totalDownloads`, `uniqueCustomers`, `downloadsByVersion`, `downloadsByDate` and
        `recentDownloads` (10 at most). An unknown application has statistics full of zeros.
        """
        path = f"/applications/{segment(application_id, 'application_id')}/stats"
        return self._get(path, {"version": named_if_given(version, "version")})


def _application_query(
    search: str | None,
    tags: Iterable[str] | None,
    is_active: bool | None,
    sort_by: SortBy | None,
    sort_order: SortOrder | None,
) -> Json:
    check_given_choices(sort_by=sort_by, sort_order=sort_order)
    wanted = [tags] if isinstance(tags, str) else list(tags or ())
    return {
        "search": search,
        "tags": ",".join(wanted) or None,
        "isActive": None if is_active is None else str(is_active).lower(),
        "sortBy": sort_by,
        "sortOrder": sort_order,
    }


def channel_header(test_channel: bool) -> dict[str, str] | None:
    return _TEST_CHANNEL if test_channel else None

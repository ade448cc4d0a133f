"""Which request goes where, and who may make it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from werkzeug.wrappers import Request, Response

from ..address import ServerAddress
from ..steps import Steps
from ..storage.database import Database, Session, key_hash
from ..storage.history import History
from ..storage.objects import Objects
from ..validation.javascript import ScriptError, decode_uri_component
from ..validation.schema import ValidationError
from . import admin, customer, reports, uploads
from .call import CORS_HEADERS, ApiError, Call, Caller, Handler, failure, json_response

_ADMIN = "Admin access required"


@dataclass(frozen=True)
class Route:
    """One request that is answered.

    `denial` is what others than administrators are told. `stepped`: more than one step, where
    the server has no transactions.
    """

    name: str
    method: str
    path: str
    handler: Handler
    denial: str = ""
    financial: bool = False
    public: bool = False
    stepped: bool = False
    writes: bool = False

    def match(self, method: str, segments: list[str]) -> dict[str, str] | None:
        """The parameters in the path, decoded, or None if this is not the route."""
        pattern = self.path.strip("/").split("/")
        if method != self.method or len(pattern) != len(segments):
            return None
        params = {}
        for name, segment in zip(pattern, segments, strict=True):
            if name.startswith("{"):
                params[name.strip("{}")] = decode_uri_component(segment)
            elif name != segment:
                return None
        return params


def _get(
    name: str, path: str, handler: Handler, denial: str = "", *, financial: bool = False
) -> Route:
    return Route(name, "GET", path, handler, denial, financial)


def _change(
    name: str,
    method: str,
    path: str,
    handler: Handler,
    denial: str = _ADMIN,
    *,
    financial: bool = False,
) -> Route:
    return Route(name, method, path, handler, denial, financial, stepped=True, writes=True)


_APPLICATIONS = "/v1/applications"
_MANAGEMENT = "/v1/management"
_VERSION = _APPLICATIONS + "/{applicationId}/versions/{version}"
_CUSTOMER = _MANAGEMENT + "/customers/{customerId}"

ROUTES = (
    _get("applications", _APPLICATIONS, customer.list_applications),
    _get("application", _APPLICATIONS + "/{applicationId}", customer.get_application),
    _get("versions", _APPLICATIONS + "/{applicationId}/versions", customer.list_versions),
    _get("files", _VERSION + "/files", customer.list_version_files),
    _get("stats", _APPLICATIONS + "/{applicationId}/stats", reports.get_application_stats,
         _ADMIN),
    _change("download-url", "GET", "/v1/downloads/url", customer.get_download_url, ""),
    _change("share", "POST", "/v1/downloads/share", customer.create_share_link, ""),
    Route("shared-download", "GET", "/v1/downloads/d/{token}", customer.public_download,
          public=True, stepped=True, writes=True),
    _change("update-version", "PATCH", _VERSION, admin.update_version),
    _change("create-application", "POST", _MANAGEMENT + "/applications",
            admin.create_application),
    _change("delete-application", "DELETE", _MANAGEMENT + "/applications/{applicationId}",
            admin.delete_application),
    _change("grant", "PUT", _MANAGEMENT + "/applications/{applicationId}/customers",
            admin.update_application_customers),
    _change("upload", "POST", _MANAGEMENT + "/upload", uploads.upload),
    Route("large-url", "POST", _MANAGEMENT + "/upload/large-url", uploads.large_upload_url,
          _ADMIN, stepped=True),
    _change("complete", "POST", _MANAGEMENT + "/upload/large-complete",
            uploads.large_upload_complete),
    _get("customers", _MANAGEMENT + "/customers", admin.list_customers, _ADMIN),
    _change("update-customer", "PATCH", _CUSTOMER, admin.update_customer),
    _change("create-customer", "POST", _CUSTOMER + "/apikeys", admin.create_customer,
            "Admin access required to create API keys"),
    _change("customer-key", "POST", _CUSTOMER + "/regenerate-key",
            admin.regenerate_customer_key),
    _change("admin-key", "POST", _MANAGEMENT + "/admin/regenerate-key",
            admin.regenerate_admin_key),
    _change("apps-key", "POST", _MANAGEMENT + "/admin/regenerate-apps-key",
            admin.regenerate_apps_admin_key, "Financial admin access required",
            financial=True),
    _get("activity", "/v1/activity", reports.list_activity, _ADMIN),
    _get("audit", "/v1/audit", reports.list_audit_events,
         "Audit log access requires financial admin privileges", financial=True),
)  # fmt: skip

_ANONYMOUS = Caller("", is_admin=False, is_financial_admin=False)


class Api:
    """Answers requests to the API; the order of the checks is the reference server's."""

    def __init__(
        self, database: Database, history: History, objects: Objects, address: ServerAddress
    ) -> None:
        self._database = database
        self._history = history
        self._objects = objects
        self._address = address

    def respond(self, request: Request, path: str, steps: Steps) -> Response:
        if request.method == "OPTIONS":
            return Response(b"", 200, {**CORS_HEADERS, "Access-Control-Max-Age": "3600"})
        try:
            route, params = _find_route(request.method, path)
        except ScriptError:
            return json_response({"message": "Internal Server Error"}, 500)
        if route is None:
            return json_response({"message": "Not Found"}, 404)
        with self._database.session() as session:
            caller = (
                _ANONYMOUS
                if route.public
                else _authenticate(session, request.headers.get("Authorization", ""))
            )
            if caller is None:
                return json_response({"message": "Unauthorized"}, 401)
            steps.caller = caller.customer_id
            call = Call(
                request, path, params, caller, session, self._history, self._objects, self._address,
                steps, route.name,
            )  # fmt: skip
            try:
                return _run(route, call)
            except ApiError as error:
                return failure(error)
            except ValidationError as error:
                return failure(ApiError(400, str(error)))
            except (ScriptError, UnicodeEncodeError, sqlite3.Error) as error:
                return failure(ApiError(500, str(error)))


def _find_route(method: str, path: str) -> tuple[Route | None, dict[str, str]]:
    segments = [segment for segment in path.split("/") if segment]
    for route in ROUTES:
        params = route.match(method, segments)
        if params is not None:
            return route, params
    return None, {}


def _authenticate(session: Session, authorization: str) -> Caller | None:
    scheme, _, key = authorization.partition(" ")
    if scheme != "Bearer":
        return None
    row = session.row(
        "SELECT customers.* FROM keys JOIN customers USING (customerId) WHERE hash = ?",
        key_hash(key.strip()),
    )
    if row is None or not row["isActive"]:
        return None
    return Caller(row["customerId"], bool(row["isAdmin"]), bool(row["isFinancialAdmin"]))


def _run(route: Route, call: Call) -> Response:
    caller = call.caller
    if route.denial and not (caller.is_financial_admin if route.financial else caller.is_admin):
        raise ApiError(403, route.denial)
    call.request.get_data(cache=True)  # all of it, before the database is kept from others
    if route.stepped and not call.steps.atomic:
        return route.handler(call)
    with call.step(writes=route.writes):
        return route.handler(call)

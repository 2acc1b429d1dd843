"""The API in sections, each imported when its first path is asked for: a hub starts with none of them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module

from fastapi import APIRouter

_REPO = "/api/[^/]+/[^/]+/[^/]+"
_WEB = "/(?:(?:models|datasets|spaces|kernels)/)?[^/]+/[^/]+"


@dataclass(frozen=True, slots=True)
class Section:
    """A module of routes, and which paths it answers. It goes before those that come later."""

    module: str
    paths: str
    routers: tuple[str, ...] = ("router",)

    def load(self) -> Iterator[APIRouter]:
        """Its routers, and last whatever else is asked for below its paths."""
        module = import_module(f"hfdeploy_localhub.api.{self.module}")
        yield from (getattr(module, name) for name in self.routers)
        if self.module != "unknown":
            yield from SECTIONS["unknown"].load()


_IN_ORDER = (
    Section("oidc", "/__localhub__/oidc/.*|/oauth/token"),
    Section("control", "/__localhub__/.*"),
    Section("identity", "/api/whoami-v2|/api/(?:users|organizations)/[^/]+/(?:overview|members)"),
    Section("webhooks", "/api/settings/webhooks(?:/.*)?"),
    Section("collections", "/api/collections(?:/.*)?"),
    Section("buckets", "/api/buckets/.*|/buckets/[^/]+/[^/]+/resolve/.*", ("api_router", "web_router")),
    Section("xet", f"/xet/.*|{_REPO}/xet-(?:read|write)-token/.*", ("cas_router", "token_router")),
    Section("commits", f"/api/validate-yaml|{_REPO}/(?:preupload|commit)/.*"),
    Section(
        "files",
        f"{_REPO}/(?:tree|paths-info)/.*|{_WEB}/(?:resolve|raw)/.*",
        ("api_router", "web_router"),
    ),
    Section("large_files", f"{_REPO}/lfs-files(?:/.*)?"),
    Section("history", f"{_REPO}/(?:refs|(?:branch|tag|super-squash|commits)/.*)"),
    Section("discussions", f"{_REPO}/discussions(?:/.*)?"),
    Section("access_requests", f"{_REPO}/user-access-request/.*|{_WEB}/ask-access", ("router", "web_router")),
    Section("likes", f"{_REPO}/(?:like|likers)|/api/users/[^/]+/likes"),
    Section("duplicates", f"{_REPO}/duplicate"),
    Section(
        "spaces",
        "/api/spaces/(?:hardware|templates)"
        f"|{_REPO}/(?:runtime|pause|restart|hardware|sleeptime|dev-mode|secrets|variables|volumes|logs/.*)",
        ("catalogue_router", "router"),
    ),
    Section("lfs", rf"/lfs/.*|{_WEB}\.git/info/lfs/.*"),
    Section("git", f"{_WEB}/(?:info/refs|git-upload-pack|git-receive-pack)"),
    Section("repos", "/api/.*"),
    # hf_xet tells what it did at the root of the host: no page is to be built for that
    Section("unknown", "/[^/]+/resolve/.*|/v1/telemetry"),
)

SECTIONS: Mapping[str, Section] = {section.module: section for section in _IN_ORDER}
_PATHS = re.compile("|".join(f"(?P<{section.module}>{section.paths})" for section in _IN_ORDER))


def find_section(path: str) -> Section | None:
    """The section that answers for a path; None: it is none of the API's."""
    match = _PATHS.fullmatch(path)
    return SECTIONS[match.lastgroup] if match and match.lastgroup else None

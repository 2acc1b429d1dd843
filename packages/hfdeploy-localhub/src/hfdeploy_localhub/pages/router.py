"""The routes of the pages, in the order in which they are tried.

Asked last of all: what clients ask for under the same addresses goes before.
"""

from fastapi import APIRouter

from hfdeploy_localhub.pages import buckets, overview, repos, sessions, spaces

ROUTERS: tuple[APIRouter, ...] = (
    overview.router,
    sessions.router,
    buckets.router,
    spaces.router,
    repos.router,
    overview.last_router,
)

"""All routes in the order in which they are tried: what is more special comes first."""

from fastapi import APIRouter

from hfdeploy_localhub.api import (
    access_requests,
    collections,
    commits,
    control,
    discussions,
    duplicates,
    files,
    git,
    history,
    identity,
    lfs,
    likes,
    oidc,
    repos,
    spaces,
    unknown,
    webhooks,
    xet,
)

ROUTERS: tuple[APIRouter, ...] = (
    control.router,
    identity.router,
    oidc.router,
    webhooks.router,
    collections.router,
    spaces.catalogue_router,
    xet.cas_router,
    xet.token_router,
    commits.router,
    files.api_router,
    history.router,
    discussions.router,
    access_requests.router,
    likes.router,
    duplicates.router,
    spaces.router,
    repos.router,
    lfs.router,
    git.router,
    access_requests.web_router,
    files.web_router,
    unknown.router,
)

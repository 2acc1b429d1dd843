"""A bucket: its folders and files."""

from fastapi import Request, Response

from hfdeploy_localhub.api.context import CurrentHub, Decoded
from hfdeploy_localhub.errors import EntryNotFound
from hfdeploy_localhub.pages import views
from hfdeploy_localhub.pages.rendering import render
from hfdeploy_localhub.pages.route import make_router, send_bytes
from hfdeploy_localhub.pages.visitor import SeenBucket, Visitor

router = make_router()


@router.get("/buckets/{namespace}/{name}")
def show_bucket(hub: CurrentHub, visitor: Visitor, bucket: SeenBucket, after: str = "") -> Response:
    return show_bucket_folder(hub, visitor, bucket, "", after)


@router.get("/buckets/{namespace}/{name}/tree/{path:path}")
def show_bucket_folder(
    hub: CurrentHub, visitor: Visitor, bucket: SeenBucket, path: Decoded, after: str = ""
) -> Response:
    lines, further = views.list_bucket(hub, bucket, path.strip("/"), after)
    return render(
        "bucket.html",
        visitor=visitor,
        bucket=bucket,
        path=path.strip("/"),
        lines=lines,
        further=further,
        size=hub.store.buckets.measure(bucket),
    )


@router.get("/buckets/{namespace}/{name}/file/{path:path}")
def send_bucket_file(request: Request, hub: CurrentHub, bucket: SeenBucket, path: Decoded) -> Response:
    found = hub.store.buckets.find(bucket, [path])
    content = hub.store.xet.find(bucket, found[0].hash) if found else None
    if content is None:
        raise EntryNotFound(f"Entry not found: {path}")
    return send_bytes(request, hub.store.large_content(content.sha256), path)

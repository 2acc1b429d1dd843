from hfdeploy_core.manifest.building import build_manifest
from hfdeploy_core.manifest.drawing import draw_mermaid, draw_text
from hfdeploy_core.manifest.reading import read_yaml

MANIFEST = build_manifest(
    read_yaml(
        """\
version: 1
targets:
  app: {type: space, repo: me/app, source: ., depends_on: [weights], message: 'of ${targets.d.repo_id}'}
  weights: {type: model, repo: me/weights, source: .}
  d: {type: dataset, repo: '${file:"me"}/d', source: .}
  front: {type: relay, upstream: app}
""",
        "f",
    )
)


def test_what_comes_first_stands_first() -> None:
    assert draw_text(MANIFEST).splitlines() == [
        "weights  model me/weights",
        'd        dataset ${file:"me"}/d',
        "app      space me/app            <- d, weights",
        "front    relay                   <- app",
    ]


def test_a_flowchart_has_an_arrow_for_every_need() -> None:
    assert draw_mermaid(MANIFEST).splitlines() == [
        "flowchart LR",
        '    t0["app<br/>space me/app"]',
        "    t2 --> t0",
        "    t1 --> t0",
        '    t0 --- t0r(["front<br/>relay"])',
        '    t1["weights<br/>model me/weights"]',
        '    t2["d<br/>dataset ${file:&quot;me&quot;}/d"]',
    ]

"""A manifest as a picture in text: what comes before what."""

from collections.abc import Iterator

from hfdeploy_core.manifest.model import Declared, Manifest


def draw_text(manifest: Manifest) -> str:
    """A line a target, each below those that it needs."""
    rows = [
        (target.name, f"{target.options['repo_type']} {target.repo}", _say_needs(target))
        for target in _sort(manifest)
    ]
    for target in manifest.targets.values():
        if target.relay is not None:
            rows.append((target.relay.name, "relay", f"  <- {target.name}"))
    wide = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    return "\n".join(f"{name:<{wide[0]}}  {what:<{wide[1]}}{needs}".rstrip() for name, what, needs in rows)


def draw_mermaid(manifest: Manifest) -> str:
    """A flowchart for mermaid: an arrow from what comes before to what needs it."""
    lines = ["flowchart LR"]
    numbers = {name: f"t{number}" for number, name in enumerate(manifest.targets)}
    for name, target in manifest.targets.items():
        label = f"{name}<br/>{target.options['repo_type']} {_escape(target.repo)}"
        lines.append(f'    {numbers[name]}["{label}"]')
        lines += [f"    {numbers[needed]} --> {numbers[name]}" for needed in sorted(target.needs)]
        if target.relay is not None:
            lines.append(f'    {numbers[name]} --- {numbers[name]}r(["{target.relay.name}<br/>relay"])')
    return "\n".join(lines)


def _sort(manifest: Manifest) -> Iterator[Declared]:
    """In an order in which they can be applied, that of the file as far as it is one."""
    left = dict(manifest.targets)
    while left:
        for name, target in list(left.items()):
            if not target.needs & left.keys():
                yield left.pop(name)


def _say_needs(target: Declared) -> str:
    return f"  <- {', '.join(sorted(target.needs))}" if target.needs else ""


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")

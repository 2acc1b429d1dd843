import re

import hfdeploy_core.errors
from hfdeploy_janitor import errors


def test_the_tree_in_the_docstring_is_true_and_no_code_is_taken() -> None:
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and kind.__module__ == errors.__name__
    ]
    codes = {kind.__name__: kind.exit_code for kind in kinds if "exit_code" in vars(kind)}
    drawn = dict(re.findall(r"── (\w+) +(\d+) ", errors.__doc__ or ""))
    assert drawn == {name: str(code) for name, code in codes.items()}
    cores = {getattr(kind, "exit_code", None) for kind in vars(hfdeploy_core.errors).values()}
    assert not cores & set(codes.values())
    assert len(set(codes.values())) == len(codes)

from io import StringIO

import pytest

from hfdeploy.cli.failing import told_failures
from hfdeploy.render.plain import PlainLines


def test_a_reader_that_went_away_is_nobody_to_tell() -> None:
    err = StringIO()
    with pytest.raises(BrokenPipeError), told_failures(PlainLines(StringIO(), err), debug=False):
        raise BrokenPipeError
    assert err.getvalue() == ""

"""The command line as a whole: every verb is mounted here.

Built on click, which huggingface_hub brings along: what is friendlier imports for longer than a deploy takes
that changes nothing.
"""

import click

from hfdeploy.cli.apply import apply
from hfdeploy.cli.deploy import deploy
from hfdeploy.cli.destroy import destroy
from hfdeploy.cli.diff import diff
from hfdeploy.cli.doctor import doctor
from hfdeploy.cli.graph import graph
from hfdeploy.cli.init import init
from hfdeploy.cli.janitor import janitor
from hfdeploy.cli.plan import plan
from hfdeploy.cli.plugins import plugins
from hfdeploy.cli.preview import preview
from hfdeploy.cli.promote import promote
from hfdeploy.cli.rollback import rollback
from hfdeploy.cli.spaces import logs, open_, pause, restart, wake
from hfdeploy.cli.status import status
from hfdeploy.cli.unlock import unlock
from hfdeploy.cli.validate import validate


@click.group(no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
# `main` answers --version on its own; here it is for the help, and beside a verb it means nothing.
@click.option("--version", is_flag=True, expose_value=False, help="Show the version and exit.")
def app() -> None:
    """Deploy to the Hugging Face Hub: one commit or none."""


app.add_command(deploy)
app.add_command(plan)
app.add_command(apply)
app.add_command(rollback)
app.add_command(status)
app.add_command(diff)
app.add_command(preview)
app.add_command(promote)
app.add_command(destroy)
app.add_command(doctor)
app.add_command(janitor)
for verb in (logs, restart, pause, wake, open_):
    app.add_command(verb)
app.add_command(init)
app.add_command(validate)
app.add_command(graph)
app.add_command(unlock)
app.add_command(plugins)

"""The step `notify`: people are told by apprise (`pip install 'hfdeploy-core[notify]'`)."""

from hfdeploy_core.errors import StepFailed
from hfdeploy_core.manifest.steps import NotifyFile
from hfdeploy_core.redact import redact, remember_secret
from hfdeploy_core.running.steps.context import StepContext


def notify(asked: NotifyFile, context: StepContext) -> None:
    """Raises StepFailed where nobody could be told."""
    remember_secret(asked.url)
    try:
        import apprise
    except ImportError:
        raise StepFailed("apprise is not installed.", "Run pip install 'hfdeploy-core[notify]'.") from None
    told = apprise.Apprise()
    if not told.add(asked.url):
        raise StepFailed("The address is none that apprise knows.", "Check its URL.")
    if not told.notify(title=redact(asked.title), body=redact(asked.text)):
        raise StepFailed("The notification was not taken.", "Check its address.")

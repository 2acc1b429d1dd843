"""Everything that can go wrong, each with its own exit code and one sentence that says what to do.

    DeployError                     1
    ├── SourceError
    │   ├── SourceMissing          10   nothing at that path
    │   ├── SourceNotAFolder       11   a file, not a folder or an archive
    │   ├── SourceEmpty            12   no file to deploy
    │   ├── PathInvalid            13   a file name that the Hub refuses
    │   ├── LinkRefused            14   a symlink that leaves the source, is broken or turns in a circle
    │   ├── SourceUnreadable       15   a file that this user may not read, or that is no file
    │   ├── SourceChanged          16   written to while it was deployed
    │   ├── SecretFound            17   a file that holds what looks like a token or a private key
    │   ├── PointerFound           18   a pointer of git-lfs in the place of a file
    │   └── FileIgnored            19   a file that the repo's .gitignore keeps out
    ├── RequestError
    │   ├── RepoNameInvalid        20   not a name that the Hub allows
    │   ├── SettingInvalid         21   unknown, contradictory or impossible settings
    │   ├── SdkMissing             22   a Space that nothing says how to run
    │   ├── CardInvalid            23   README.md: front matter missing or wrong
    │   ├── PlanInvalid            24   not a saved plan, or not as it was saved
    │   ├── PlanStale              25   what a saved plan was made from has changed since
    │   ├── CommitTooLarge         26   more than the Hub takes in one commit
    │   ├── StateUnwritable        27   the folder for the journal cannot be written
    │   ├── DeletionRefused        28   more remote files than may be deleted, or one that shall be kept
    │   └── RevisionMissing        29   no such commit, or none that can be gone back to
    ├── AccessError
    │   ├── TokenMissing           30   no token found
    │   ├── TokenRejected          31   the Hub does not know the token
    │   ├── PermissionRefused      32   the token may not do this here
    │   ├── RepoNotFound           33   no such repo or namespace, or hidden from this token
    │   ├── PaymentRequired        34   needs a paid plan
    │   ├── NameTaken              35   a repo of that name is there, and it is not one of hfdeploy's
    │   └── TooManyPreviews        36   as many previews as are allowed
    ├── HubError
    │   ├── HubUnreachable         40   no connection
    │   ├── RateLimited            41   too many requests
    │   ├── Conflict               42   somebody else changed the repo meanwhile
    │   ├── HubFailed              43   the Hub keeps answering with a fault of its own
    │   │   └── AnswerLost         43   ... and what it was asked to do may have been done
    │   ├── HubRefused             44   the Hub says no, for a reason of its own
    │   └── UploadFailed           45   file contents could not be stored
    ├── GateError
    │   ├── BuildFailed            50   the commit is there, but the Space cannot be built
    │   ├── AppFailed              51   the app ended instead of answering
    │   ├── NotRunning             52   paused, stopped, flagged or out of quota
    │   ├── GateTimedOut           53   not live within the time given
    │   ├── ProbeFailed            54   the app runs, but does not answer as it should
    │   └── Superseded             55   a later commit took the place of this one
    ├── ManifestError
    │   ├── ManifestMissing        60   no hfdeploy.yaml there
    │   ├── ManifestInvalid        61   hfdeploy.yaml: what is wrong, with file, line and column
    │   ├── ValueMissing           62   what a reference in it names is not there
    │   ├── RunFailed              63   several targets failed
    │   ├── StateLocked            64   another run is at work on these targets
    │   ├── StateInvalid           65   what lies where the state should be is none
    │   ├── StepFailed             66   a step before or after the targets failed
    │   └── PluginInvalid          67   a plugin is missing, not allowed or made for another version
    └── SeveralFaults              79   several of these at once

2 is the exit code of a command line that cannot be understood, 130 that of Ctrl-C.
"""

from collections.abc import Sequence
from typing import ClassVar

from hfdeploy_core.redact import redact


class DeployError(Exception):
    """Base of all: `message` says in one sentence what is wrong, `remedy` what to do about it."""

    exit_code: ClassVar[int] = 1
    advice: ClassVar[str] = "Run again with --debug for the details."

    def __init__(self, message: str, remedy: str | None = None) -> None:
        self.message = redact(message)
        self.remedy = redact(remedy) if remedy else self.advice
        super().__init__(f"{self.message} {self.remedy}")


class SourceError(DeployError):
    """The source cannot be deployed; nothing was changed on the Hub."""


class SourceMissing(SourceError):
    exit_code = 10
    advice = "Check the path of the folder to deploy."


class SourceNotAFolder(SourceError):
    exit_code = 11
    advice = "Name the folder that holds the files, or a zip, wheel or tar archive of them."


class SourceEmpty(SourceError):
    exit_code = 12
    advice = "Put at least one file into it: an empty source is never deployed."


class PathInvalid(SourceError):
    exit_code = 13
    advice = "Rename the file."


class LinkRefused(SourceError):
    exit_code = 14
    advice = "Replace the link by a copy of what it should point to, or remove it."


class SourceUnreadable(SourceError):
    exit_code = 15
    advice = "Make it readable, or move it out of the source."


class SourceChanged(SourceError):
    exit_code = 16
    advice = "Run the deploy again once nothing writes to the source."


class SecretFound(SourceError):
    exit_code = 17
    advice = (
        "Take them out and revoke what is real, leave the files out with --exclude, "
        "or name those that are meant with --allow-secrets."
    )


class PointerFound(SourceError):
    exit_code = 18
    advice = "Get the contents with `git lfs pull` (in a GitHub workflow: `lfs: true` for actions/checkout)."


class FileIgnored(SourceError):
    exit_code = 19
    advice = "Take the pattern out of .gitignore, or leave the file out with --exclude."


class RequestError(DeployError):
    """What was asked for makes no sense; nothing was changed on the Hub."""


class RepoNameInvalid(RequestError):
    exit_code = 20
    advice = "Use NAMESPACE/NAME of letters, digits, '-', '_' and '.', for example alice/my-app."


class SettingInvalid(RequestError):
    exit_code = 21
    advice = "Drop one of the options that contradict each other."


class SdkMissing(RequestError):
    exit_code = 22
    advice = (
        "Pass --sdk gradio, streamlit, docker or static, or name it as `sdk:` in README.md's front matter."
    )


class CardInvalid(RequestError):
    """A text that the Hub reads is wrong: in this `file`, and this `line` where one can be named."""

    exit_code = 23
    advice = "Correct the YAML between the two '---' lines at the top of README.md."

    def __init__(
        self, message: str, remedy: str | None = None, *, file: str = "README.md", line: int | None = None
    ) -> None:
        super().__init__(message, remedy)
        self.file = file
        self.line = line


class PlanInvalid(RequestError):
    exit_code = 24
    advice = "Make the plan again with `hfdeploy plan ... --out FILE`."


class PlanStale(RequestError):
    exit_code = 25
    advice = "Make a new plan, look at it, and apply that one."


class CommitTooLarge(RequestError):
    exit_code = 26
    advice = "Pass --allow-partial: readers will see the repo between its commits."


class StateUnwritable(RequestError):
    exit_code = 27
    advice = "Make the folder writable; a deploy of one repo takes another by --state."


class DeletionRefused(RequestError):
    exit_code = 28
    advice = "Look at `hfdeploy plan`; if all of that shall go, pass --max-delete with the number of files."


class RevisionMissing(RequestError):
    exit_code = 29
    advice = "Look at the repo's history and name a commit by --to."


class AccessError(DeployError):
    """The token is missing, unknown or may not do this."""


class TokenMissing(AccessError):
    exit_code = 30
    advice = "Set HF_TOKEN to a token with write access, or log in with `hf auth login`."


class TokenRejected(AccessError):
    exit_code = 31
    advice = "Make a new token in the Hub's settings and set HF_TOKEN to it (it wins over `hf auth login`)."


class PermissionRefused(AccessError):
    exit_code = 32
    advice = "Use a token that may write there, or deploy to a namespace of your own."


class RepoNotFound(AccessError):
    exit_code = 33
    advice = "Check the name and that this token may see it."


class PaymentRequired(AccessError):
    exit_code = 34
    advice = "Subscribe to a plan that includes it, or choose what is free (static Spaces are)."


class NameTaken(AccessError):
    exit_code = 35
    advice = "Choose another name, or look whose it is and delete it."


class TooManyPreviews(AccessError):
    exit_code = 36
    advice = "Delete one with `hfdeploy preview destroy`, or allow more with --max-previews."


class HubError(DeployError):
    """The Hub, or the way to it, failed."""


class HubUnreachable(HubError):
    exit_code = 40
    advice = "Check the network and, if you set it, HF_ENDPOINT; then run it again."


class RateLimited(HubError):
    exit_code = 41
    advice = "Wait a few minutes and run it again: what is done stays done."


class Conflict(HubError):
    exit_code = 42
    advice = "Run it again to deploy on top of the new state."


class HubFailed(HubError):
    exit_code = 43
    advice = "Run it again later: what is done stays done."


class AnswerLost(HubFailed):
    """A request may or may not have had its effect: look before repeating it."""


class HubRefused(HubError):
    exit_code = 44
    advice = "Change what the Hub objects to and run it again."


class UploadFailed(HubError):
    exit_code = 45
    advice = "Run it again: nothing was committed, and what was stored already is not sent twice."


class GateError(DeployError):
    """The commit was made, but it is not live. `log` holds the last lines of the log that says why."""

    log: tuple[str, ...] = ()


class BuildFailed(GateError):
    exit_code = 50
    advice = "Mend what the build log names and deploy again."


class AppFailed(GateError):
    exit_code = 51
    advice = "Mend what the run log names and deploy again."


class NotRunning(GateError):
    exit_code = 52
    advice = "Look at the Space's page."


class GateTimedOut(GateError):
    exit_code = 53
    advice = "Wait longer with --wait-seconds, or look at its logs with `hfdeploy logs`."


class ProbeFailed(GateError):
    exit_code = 54
    advice = "Look at the log of the app, or correct the probe."


class Superseded(GateError):
    exit_code = 55
    advice = "Look who deploys there too; run it again if this version should be live."


class ManifestError(DeployError):
    """The manifest, or a run over its targets, failed."""


class ManifestMissing(ManifestError):
    exit_code = 60
    advice = "Go to the folder that holds it, or name it by --manifest."


class ManifestInvalid(ManifestError):
    """`message` has a line for each fault: FILE:LINE:COLUMN and what is wrong there."""

    exit_code = 61
    advice = "Correct it; `hfdeploy validate` looks again."


class ValueMissing(ManifestError):
    exit_code = 62
    advice = "Set it, in the environment or in one of `env_files`."


class RunFailed(ManifestError):
    exit_code = 63
    advice = "Correct what is told above and run it again: what is done stays done."


class StateLocked(ManifestError):
    exit_code = 64
    advice = "Wait until it is done, then run it again."


class StateInvalid(ManifestError):
    exit_code = 65
    advice = "Put an earlier version of it back, or move it away: then nothing counts as owned."


class StepFailed(ManifestError):
    exit_code = 66
    advice = "Look at what it printed, above or in its log in .hfdeploy/logs; then run it again."


class PluginInvalid(ManifestError):
    exit_code = 67
    advice = "Look at `hfdeploy plugins list`."


class SeveralFaults(DeployError):
    """More than one thing is wrong, and nothing was changed on the Hub: `faults` holds an error for each."""

    exit_code = 79
    advice = "Mend them all and run it again."
    faults: tuple[DeployError, ...] = ()


def gather(faults: Sequence[DeployError]) -> DeployError:
    """One error that tells all of these, of which there is at least one."""
    if len(faults) == 1:
        return faults[0]
    lines = "".join(f"\n- {fault.message} {fault.remedy}" for fault in faults)
    several = SeveralFaults(f"{len(faults)} things are wrong:{lines}\n")
    several.faults = tuple(faults)
    return several

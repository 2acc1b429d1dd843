"""Deletes what tests left behind on the Hugging Face Hub, and nothing else."""

from hfdeploy_janitor.mark import Mark, Refusal, Seal, verify
from hfdeploy_janitor.minting import mark
from hfdeploy_janitor.model import Fate, Plan, Report, Thing
from hfdeploy_janitor.rules import Kind, Policy, Rule
from hfdeploy_janitor.sweep import apply_plan, make_plan

__all__ = [
    "Fate",
    "Kind",
    "Mark",
    "Plan",
    "Policy",
    "Refusal",
    "Report",
    "Rule",
    "Seal",
    "Thing",
    "apply_plan",
    "make_plan",
    "mark",
    "verify",
]

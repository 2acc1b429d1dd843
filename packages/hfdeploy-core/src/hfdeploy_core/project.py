"""The façade for manifests: load, plan, apply, look, destroy, unlock."""

from hfdeploy_core.running.apply import apply_project
from hfdeploy_core.running.destroy import ProjectDestruction, destroy_project, plan_destroy_project
from hfdeploy_core.running.finding import FILE, find_manifest
from hfdeploy_core.running.init import init_project
from hfdeploy_core.running.plan import ProjectPlan, TargetPlan, plan_project
from hfdeploy_core.running.project import Project, list_targets, load_project, validate
from hfdeploy_core.running.saving import load_project_plan, recall_project_plan, save_project_plan
from hfdeploy_core.running.status import ProjectStatus, TargetStatus, status_project
from hfdeploy_core.running.unlock import find_lock, unlock_project

__all__ = [
    "FILE",
    "Project",
    "ProjectDestruction",
    "ProjectPlan",
    "ProjectStatus",
    "TargetPlan",
    "TargetStatus",
    "apply_project",
    "destroy_project",
    "find_lock",
    "find_manifest",
    "init_project",
    "list_targets",
    "load_project",
    "load_project_plan",
    "plan_destroy_project",
    "plan_project",
    "recall_project_plan",
    "save_project_plan",
    "status_project",
    "unlock_project",
    "validate",
]

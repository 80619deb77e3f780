"""Migrations: numbered files that change live tables and their items, once each, however often they are run.

``import dynamodb_py`` does not load this room.
"""

from .files import new
from .operations import AddIndex, Backfill, DropIndex, RenameAttribute, RunPython
from .values import MigrationList, MigrationPlan, MigrationStatus, PlannedOperation
from .verbs import aplan, arun, astatus, plan, run, status

__all__ = [
    "AddIndex",
    "Backfill",
    "DropIndex",
    "MigrationList",
    "MigrationPlan",
    "MigrationStatus",
    "PlannedOperation",
    "RenameAttribute",
    "RunPython",
    "aplan",
    "arun",
    "astatus",
    "new",
    "plan",
    "run",
    "status",
]

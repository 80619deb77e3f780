"""Planning: from a question to the requests that answer it. Pure; nothing here waits."""

from .estimates import Estimate, estimate
from .plan import Lane, Plan, Question, Rejected, Subject, Told, Trim
from .plan_cache import Shortcut
from .planner import Planner

__all__ = [
    "Estimate",
    "Lane",
    "Plan",
    "Planner",
    "Question",
    "Rejected",
    "Shortcut",
    "Subject",
    "Told",
    "Trim",
    "estimate",
]

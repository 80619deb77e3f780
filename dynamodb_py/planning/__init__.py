"""Planning: from a question to the requests that answer it. Pure; nothing here waits."""

from .estimates import Estimate, estimate
from .plan import Explanation, Lane, Plan, Question, Rejected, Subject, Trim
from .plan_cache import Shortcut
from .planner import Planner

__all__ = [
    "Estimate",
    "Explanation",
    "Lane",
    "Plan",
    "Planner",
    "Question",
    "Rejected",
    "Shortcut",
    "Subject",
    "Trim",
    "estimate",
]

"""Planning turns a question into the requests that answer it. It does no I/O."""

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

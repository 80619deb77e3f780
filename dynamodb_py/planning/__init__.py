"""Planning: from a question to the requests that answer it. Pure; nothing here waits."""

from .estimates import Estimate, estimate
from .plan import Lane, Plan, Question, Rejected, Subject, Told, Trim
from .planner import Planner
from .templates import Shortcut

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

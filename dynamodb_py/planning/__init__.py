"""Planning turns a question (a condition, an order, and how to read) into requests. It does no I/O."""

from typing import TYPE_CHECKING

from .plan import Explanation, Lane, Plan, Question, Rejected, Subject, Trim

if TYPE_CHECKING:
    from .estimates import Estimate, estimate, find_sizes
    from .plan_cache import Shortcut
    from .planner import Planner
else:
    from ..lazy import EXPORTS
    from ..lazy.loading import export_lazily

    __getattr__, __dir__ = export_lazily(EXPORTS["planning"], globals())

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
    "find_sizes",
]

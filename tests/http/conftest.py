from ..callers import caller as caller

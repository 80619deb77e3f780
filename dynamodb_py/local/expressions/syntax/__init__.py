"""From the text of an expression to its parts, which know nothing of a request or an item."""

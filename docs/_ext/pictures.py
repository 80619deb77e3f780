"""The pictures of the pages, and the directive that shows one: ``.. picture:: its name``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import Directive, directives
from drawing import LINE, Drawing

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def request() -> Drawing:
    """Draw the path of a request."""
    drawing = Drawing()
    steps = [
        ("Query set", "lookups and conditions; nothing is sent", "Score.objects.filter(...)"),
        ("Plan", "GetItem, Query or Scan; which index", ".explain()"),
        ("Operation", "the payload of one API call", ".operation()"),
        ("Driver", "waits or awaits; retries; deadline", "await .aget()"),
        ("Transport", "HTTP of our own, boto3, or embedded", "connect(...)"),
        ("DynamoDB", "answers with JSON", ""),
    ]
    for number, (name, words, code) in enumerate(steps):
        top = 4 + number * 66
        drawing.box(4, top, 270, 46, name, words, accent=name == "DynamoDB")
        drawing.text(292, top + 23, code, code=True)
        if number:
            drawing.line((100, top - 20), (100, top - 2))
    drawing.line((274, 357), (314, 357), (314, 430), (274, 430))
    drawing.box(4, 407, 270, 46, "Instance", "bytes, decoded when a field is read")
    drawing.text(322, 394, "the answer", faint=True)
    return drawing


def single_table() -> Drawing:
    """Draw a single table, an item collection in it, and an index."""
    drawing = Drawing()
    drawing.text(4, 12, "Table “shop”", bold=True)
    drawing.grid(
        *(4, 28, [104, 112, 180]),
        [
            ["hash key", "range key", "other attributes"],
            ["USER#ann", "PROFILE", "email, name"],
            ["USER#ann", "ORDER#01", "status=open, total"],
            ["USER#ann", "ORDER#02", "status=sent, total"],
            ["USER#bob", "PROFILE", "email, name"],
            ["USER#bob", "ORDER#03", "status=open, total"],
        ],
        marked=frozenset({1, 2, 3}),
    )
    drawing.text(408, 76, "an item", accent=True)
    drawing.text(408, 94, "collection:", accent=True)
    drawing.text(408, 112, "one Query", accent=True)
    drawing.line((180, 172), (180, 206))
    drawing.text(190, 190, "DynamoDB copies what has a status", faint=True)
    drawing.text(4, 222, "Index “by_status”", bold=True)
    drawing.grid(
        *(4, 238, [104, 112, 180]),
        [
            ["hash key", "range key", "key of the item"],
            ["open", "ORDER#01", "USER#ann, ORDER#01"],
            ["open", "ORDER#03", "USER#bob, ORDER#03"],
            ["sent", "ORDER#02", "USER#ann, ORDER#02"],
        ],
        marked=frozenset({1, 2}),
    )
    drawing.text(408, 286, "all open", accent=True)
    drawing.text(408, 304, "orders", accent=True)
    return drawing


def sparse_index() -> Drawing:
    """Draw an index that holds few of the items of its table."""
    drawing = Drawing()
    drawing.text(4, 12, "Table “tickets”: 5 items", bold=True)
    drawing.grid(
        *(4, 28, [90, 190, 150]),
        [
            ["id", "title", "escalated_at"],
            ["t1", "no invoice", ""],
            ["t2", "cannot log in", "2026-11-01"],
            ["t3", "a typo", ""],
            ["t4", "lost parcel", "2026-11-03"],
            ["t5", "thanks", ""],
        ],
        marked=frozenset({2, 4}),
        faint=frozenset({1, 3, 5}),
    )
    drawing.line((200, 172), (200, 206))
    drawing.text(210, 190, "only items that have the attribute", faint=True)
    drawing.text(4, 222, "Index “escalated”: 2 items", bold=True)
    drawing.grid(
        *(4, 238, [150, 90, 190]),
        [
            ["escalated_at", "id", "title"],
            ["2026-11-01", "t2", "cannot log in"],
            ["2026-11-03", "t4", "lost parcel"],
        ],
    )
    return drawing


def instance() -> Drawing:
    """Draw the life of an instance."""
    drawing = Drawing()
    drawing.box(150, 4, 180, 46, "New", "persisted is False")
    drawing.box(150, 124, 180, 46, "Stored", "is_changed is False", accent=True)
    drawing.box(150, 244, 180, 46, "Changed", "changes() lists them")
    drawing.box(150, 364, 180, 46, "Deleted", "save() stores it again")
    drawing.text(4, 27, "Score(...)", code=True)
    drawing.line((80, 27), (148, 27))
    drawing.line((240, 50), (240, 122))
    drawing.text(250, 76, "create(): if the key is free", faint=True)
    drawing.text(250, 94, "save(): replaces what has the key", faint=True)
    drawing.text(4, 147, "get(), filter()", code=True)
    drawing.line((112, 147), (148, 147))
    drawing.line((200, 170), (200, 242))
    drawing.text(8, 206, "item.points = 7", code=True)
    drawing.line((120, 206), (196, 206), arrow=False, dashed=True)
    drawing.line((280, 242), (280, 172))
    drawing.text(290, 196, "save(): sends what changed", faint=True)
    drawing.text(290, 214, "revert(), refresh_from_db()", faint=True)
    drawing.line((240, 290), (240, 362))
    drawing.line((330, 147), (474, 147), (474, 387), (332, 387))
    drawing.text(250, 326, "delete(): DeleteItem", faint=True)
    return drawing


def unique() -> Drawing:
    """Draw the transaction that writes an item with a unique value."""
    drawing = Drawing()
    drawing.text(4, 12, 'User.create(id="u1", email="ann@example.com")', code=True)
    drawing.line((240, 26), (240, 50))
    drawing.box(4, 52, 472, 148, dashed=True)
    drawing.text(16, 68, "one TransactWriteItems: both, or neither", bold=True)
    drawing.box(
        20, 86, 210, 100, "Put the item", "table “users”", "id = u1", "unless the key exists"
    )
    drawing.box(
        *(250, 86, 210, 100, "Put its sentinel", "table of unique values"),
        *("email = ann@example.com", "unless the key exists"),
    )
    drawing.line((125, 200), (125, 232))
    drawing.line((355, 200), (355, 232))
    drawing.box(20, 234, 210, 46, "Both keys are free", "both are written", accent=True)
    drawing.box(250, 234, 210, 46, "One is taken", "nothing is; AlreadyExists")
    return drawing


def cursor() -> Drawing:
    """Draw how pages of filtered rows and their cursors lie over the items that are read."""
    drawing = Drawing()
    drawing.text(
        4, 12, "The items of one hash key, in order; framed ones match the filter", bold=True
    )
    matching = {2, 3, 6, 9, 11}
    for number in range(1, 13):
        left = 4 + (number - 1) * 39
        drawing.box(
            left, 30, 34, 34, str(number), accent=number in matching, faint=number not in matching
        )
    drawing.line((4, 92), (227, 92), arrow=False)
    drawing.line((243, 92), (461, 92), arrow=False)
    drawing.text(115, 108, "page(size=3): 2, 3, 6", anchor="middle")
    drawing.text(352, 108, "page(size=3, cursor=...): 9, 11", anchor="middle")
    drawing.line((235, 160), (235, 72))
    drawing.text(
        235, 174, "next_cursor: behind item 6, the last one shown", anchor="middle", accent=True
    )
    drawing.text(
        235, 174 + LINE, "not behind what was read: nothing is lost or shown twice", anchor="middle"
    )
    drawing.text(
        235,
        174 + 2 * LINE,
        "what the filter dropped is read, and paid for",
        anchor="middle",
        faint=True,
    )
    return drawing


def verbs() -> Drawing:
    """Draw which verb reads or writes what."""
    drawing = Drawing()
    rows = [
        ["You have", "and want", "call"],
        ["values", "a new item", "Model.create()"],
        ["an instance", "to store what changed", "item.save()"],
        ["an instance", "to count or append", 'update(n=F("n") + 1)'],
        ["a key", "to change it unread", "filter(key).update()"],
        ["conditions", "to change all that match", "filter(...).update()"],
        ["many instances", "to insert or replace them", "batch_write()"],
        ["many instances", "to change some fields", "bulk_update()"],
        ["several writes", "all or none", "transaction.atomic()"],
        ["a key", "the item, or an error", "objects.get()"],
        ["a key", "the item, or None", "Model.get()"],
        ["many keys", "their items", "batch_get()"],
        ["conditions", "the items in order", "filter()"],
    ]
    drawing.grid(4, 4, [126, 178, 168], rows, plain=2)
    return drawing


PICTURES = {
    each.__name__: each
    for each in (request, single_table, sparse_index, instance, unique, cursor, verbs)
}


class Picture(Directive):
    """``.. picture:: name``, with ``:alt:`` for those who cannot see it."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"alt": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        draw = PICTURES[directives.choice(self.arguments[0], tuple(PICTURES))]
        return [nodes.raw("", draw().svg(self.options["alt"]), format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Let Sphinx find the directive."""
    app.add_directive("picture", Picture)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

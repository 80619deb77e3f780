"""A database with tables, and statements to it."""

from __future__ import annotations

from typing import Any

from ..database import ALL, KEYS, Database, include, to_item


class Statements(Database):
    """A database; ``run("SELECT ...")`` carries out a statement and returns its items."""

    def run(self, statement: str, *parameters: Any, **members: Any) -> list[Any]:
        return self.execute(statement, *parameters, **members)["Items"]  # type: ignore[no-any-return]

    def execute(self, statement: str, *parameters: Any, **members: Any) -> Any:
        if parameters:
            members["Parameters"] = list(parameters)
        return self("ExecuteStatement", Statement=statement, **members)

    def reject(self, statement: str, *parameters: Any, **members: Any) -> str:
        """Return the code and message of a statement that must be refused."""
        if parameters:
            members["Parameters"] = list(parameters)
        return self.refuse("ExecuteStatement", Statement=statement, **members)

    def batch(self, *statements: str, **members: Any) -> list[Any]:
        parts = [{"Statement": each} for each in statements]
        return self("BatchExecuteStatement", Statements=parts, **members)["Responses"]  # type: ignore[no-any-return]

    def transact(self, *statements: str, **members: Any) -> Any:
        parts = [{"Statement": each} for each in statements]
        return self("ExecuteTransaction", TransactStatements=parts, **members)

    def find(self, h: str, r: int = 1) -> Any:
        """Return an item of the table, or None."""
        key = to_item(h=h, r=r)
        return self("GetItem", TableName="tab", Key=key).get("Item")


def make_statements() -> Statements:
    """Return a database with the table ``tab`` of h and r, and ``single`` of h."""
    database = Statements()
    database.make_table(
        lsi={"by_l": ("h:S l:N", KEYS)},
        gsi={"by_g": ("g:S r:N", ALL), "narrow": ("g:S l:N", include("x"))},
    )
    database.make_table("single", "h:S")
    database.make_table("many", "h:S", gsi={"parts": ("a:S b:S c:N", ALL, 2)})
    return database

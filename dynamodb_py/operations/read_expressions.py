"""The expressions of a read: conditions and a projection."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from ..expressions import Condition, Names, Path, render_projection
from .base import Payload, Wire


class Expressions(Struct, frozen=True):
    """The expressions of one read, rendered once for all its pages.

    >>> Expressions.of(projection=[Path(("name",))])
    Expressions(keys='', filter='', projection='#0', names={'#0': 'name'}, values={})
    """

    keys: str = ""
    """KeyConditionExpression: the keys that a Query reads."""
    filter: str = ""
    """FilterExpression: DynamoDB applies it after reading, so dropped items cost units too."""
    projection: str = ""
    """ProjectionExpression: the attributes that DynamoDB sends."""
    names: dict[str, str] = {}
    values: dict[str, Wire] = {}

    @classmethod
    def of(
        cls,
        *,
        keys: Condition | None = None,
        filter: Condition | None = None,
        projection: Iterable[Path] = (),
    ) -> Expressions:
        """Render the conditions and the projection; None and empty ones are left out.

        Raises :class:`~dynamodb_py.exceptions.QueryError` past DynamoDB's limits of an expression
        (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html).
        """
        names = Names()
        return cls(
            "" if keys is None else keys.render(names),
            "" if filter is None else filter.render(names),
            render_projection(projection, names) if projection else "",
            names.names,
            names.values,
        )

    def into(self, payload: Payload, /) -> Payload:
        """Add the expressions to *payload*, and return it; DynamoDB rejects empty members."""
        if self.keys:
            payload["KeyConditionExpression"] = self.keys
        if self.filter:
            payload["FilterExpression"] = self.filter
        if self.projection:
            payload["ProjectionExpression"] = self.projection
        if self.names:
            payload["ExpressionAttributeNames"] = self.names
        if self.values:
            payload["ExpressionAttributeValues"] = self.values
        return payload

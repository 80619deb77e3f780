"""The signature of a class of records, made of its fields, for help() and completion."""

from __future__ import annotations

from typing import Any

_PACKAGE = __name__.partition(".")[0]


class FieldsSignature:
    """The attribute ``__signature__`` of a class, made when inspect asks for it."""

    def __get__(self, instance: object | None, owner: Any) -> Any:
        if instance is not None:
            raise AttributeError("__signature__")
        from inspect import Parameter, Signature, signature  # only help() and IDEs need it

        fields = owner._fieldset
        if owner.__init__.__module__.partition(".")[0] != _PACKAGE or not fields.by_name:
            return Signature(list(signature(owner.__init__).parameters.values())[1:])
        written = fields.written()
        keys = sorted((each for each in written if each.is_key), key=lambda key: not key.hash_key)
        kinds = {key.name: Parameter.POSITIONAL_OR_KEYWORD for key in keys if not fields.computed}
        defaults = {
            each.name: _FACTORY if callable(each.default) else each.default
            for each in [*keys, *(each for each in written if not each.is_key)]
        }
        return Signature(
            [
                Parameter(name, kinds.get(name, Parameter.KEYWORD_ONLY), default=default)
                for name, default in (
                    *defaults.items(),
                    *((name, None) for name in fields.references),
                )
            ]
        )


class _Factory:
    def __repr__(self) -> str:
        return "<factory>"


_FACTORY = _Factory()

"""What the type checkers know of signals, their receivers, and the hooks of models."""

from typing import Any

from typing_extensions import assert_type

from dynamodb_py import CharField, Model, signals
from dynamodb_py.signals import Signal, post_save, pre_save, receiver


class Order(Model):
    number = CharField(hash_key=True)

    def before_save(self, created: bool) -> None:
        super().before_save(created)

    async def after_save(self, created: bool) -> None:
        self.number = str(created)

    async def before_delete(self) -> None: ...

    def after_delete(self) -> None: ...


class Express(Order):
    async def after_save(self, created: bool) -> None:
        await super().after_save(created)


@receiver(pre_save, sender=Order)
def plain(sender: type[Order], instance: Order, created: bool, **kwargs: Any) -> int:
    return len(instance.number)


@receiver([pre_save, post_save])
async def waiting(sender: type[Model], **kwargs: Any) -> None: ...


def connecting(order: Order) -> None:
    # A receiver stays what it was.
    assert_type(plain(Order, order, True), int)
    assert_type(pre_save, Signal)
    connected = pre_save.connect(plain, sender=Order, weak=False)
    assert_type(connected(Order, order, True), int)
    assert_type(pre_save.disconnect(plain, sender=Order), bool)
    assert_type(signals.pre_delete.has_listeners(Order), bool)

    pre_save.connect(7)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    pre_save.connect(plain, sender="Order")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    pre_save.connect(plain, sender=int)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    receiver(plain)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def hooks(order: Order) -> None:
    assert_type(order.before_save(True), None)
    await order.after_save(True)
    await order.before_delete()
    await order.after_save()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


class Wrong(Model):
    def before_save(self) -> None: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]

    def after_delete(self) -> int:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return 7

"""Keeps the total of each customer's orders: ``python totals.py`` runs until SIGTERM or Ctrl-C.

A change that is delivered twice counts once: one transaction writes the totals and a mark of the change.
"""

from __future__ import annotations

import signal
from typing import Any

from models import AppliedChange, CustomerTotal, Order

from dynamodb_py import StreamRunner, TransactionCanceled, transaction
from dynamodb_py.signals import item_changed, receiver


@receiver(item_changed, sender=Order)
def add_up(sender: type[Order], record: Any, **kwargs: Any) -> None:
    """Subtract the old order from its total, and add the new one."""
    mark = f"{record.stream}/{record.sequence_number}"
    if AppliedChange.get(id=mark) is not None:
        return
    changes: dict[str, list[int]] = {}
    for order, sign in ((record.old, -1), (record.new, 1)):
        if order is not None:
            total = changes.setdefault(order.customer, [0, 0])
            total[0] += sign * order.amount
            total[1] += sign
    try:
        with transaction.atomic():
            AppliedChange.create(id=mark)
            for customer, (amount, orders) in changes.items():
                CustomerTotal(customer=customer).update(
                    CustomerTotal.amount.add(amount), CustomerTotal.orders.add(orders)
                )
    except TransactionCanceled as error:
        if error.reasons[0].code != "ConditionalCheckFailed":
            raise
        # Another worker has applied the change meanwhile.


def main() -> None:
    """Run until the process gets a signal to end."""
    runner = StreamRunner(Order, name="customer-totals")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: runner.stop())
    runner.run()


if __name__ == "__main__":
    main()

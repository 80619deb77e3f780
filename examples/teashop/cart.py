"""The cart. Its checkout is one transaction: stock, order and cart change together, or nothing changes."""

from __future__ import annotations

from dynamodb_py import F, TransactionCanceled, transaction

from .models import Cart, Order, Product


class SoldOut(Exception):
    """Some products are out of stock; the first argument is a list of their keys."""


def put(customer: str, sku: str, count: int) -> Cart:
    """Put a product into the cart. Of two devices at the same time, one gets StaleItem, and starts again."""
    cart = Cart.get(customer) or Cart(customer)
    cart.lines[sku] = cart.lines.get(sku, 0) + count
    return cart.save()


def check_out(cart: Cart) -> Order:
    """Make an order from the cart: a BatchGetItem and a TransactWriteItems.

    A retry after a lost response buys nothing twice, since the transaction has a token and the cart has a version.
    """
    products = Product.batch_get(*cart.lines)
    if missing := cart.lines.keys() - {each.sku for each in products}:
        raise SoldOut(sorted(missing))
    total = sum(each.price * cart.lines[each.sku] for each in products)
    order = Order(customer=cart.customer, lines=dict(cart.lines), total=total)
    try:
        with transaction.atomic():
            for each in products:
                count = cart.lines[each.sku]
                each.update(stock=F("stock") - count, condition=Product.stock >= count)
            order.save(force_insert=True)
            cart.delete()
    except TransactionCanceled as error:
        missing = {
            reason.instance.sku
            for reason in error.reasons
            if reason.code == "ConditionalCheckFailed" and isinstance(reason.instance, Product)
        }
        if not missing:
            raise
        raise SoldOut(sorted(missing)) from error
    return order

from customers import Customer

from dynamodb_py.migrations import AddIndex, Backfill, RenameAttribute


def split_name(customer: Customer) -> None:
    customer.first, _, customer.last = (customer.name or "").partition(" ")


operations = [
    Backfill(Customer, split_name, condition=Customer.first.not_exists()),
    RenameAttribute(Customer, "city", "town"),
    AddIndex(Customer, "by_city"),
]

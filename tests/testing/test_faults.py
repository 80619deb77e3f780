"""Each fault: code of a user that does not expect it fails, and code that does passes."""

from __future__ import annotations

from contextlib import ExitStack, closing

import pytest

from dynamodb_py import (
    AlreadyExists,
    ConfigurationError,
    ConnectionFailed,
    DeadlineExceeded,
    F,
    Retries,
    StaleItem,
    Throttled,
    TransactionConflict,
    connect,
    options,
)
from dynamodb_py.local.server import Server
from dynamodb_py.testing import EmbeddedEngine

from ..engines import boto3_client
from .models import Account, Order

ONCE = "once"


@pytest.fixture
def kit():
    """An engine with two connections: the default one tries again, the one called once does not."""
    connect(region_name="eu-west-1", retries=Retries(base=0))
    connect(ONCE, region_name="eu-west-1", retries=1)
    with EmbeddedEngine() as kit:
        kit.create_tables(Order, Account)
        yield kit


def place_order(do, given="a"):
    """Code of a user that leaves trying again to the connection."""
    return do(Order.objects.create, id=given)


# -- throttle --------------------------------------------------------------------------------------


def test_throttling_is_survived_by_a_connection_that_tries_again(kit, do):
    with kit.faults.throttle("PutItem", nth=1) as rule:
        with options(using=ONCE), pytest.raises(Throttled):
            place_order(do)
        assert (rule.matched, rule.applied) == (1, 1)
    with kit.faults.throttle("PutItem", nth=1) as rule:
        assert place_order(do).id == "a"
        assert (rule.matched, rule.applied) == (2, 1)


def test_throttling_without_an_end_is_more_than_any_connection_survives(kit, do):
    with kit.faults.throttle(), pytest.raises(Throttled):
        place_order(do)
    assert place_order(do).id == "a"


# -- conflict --------------------------------------------------------------------------------------


def deposit(do, amount):
    account = do(Account.objects.get, id="a")
    account.balance += amount
    do(account.save)


def deposit_with_retries(do, amount):
    for attempt in range(5):
        try:
            deposit(do, amount)
            return
        except (StaleItem, TransactionConflict):
            if attempt == 4:
                raise


def test_a_conflict_is_survived_by_reading_and_writing_again(kit, do):
    do(Account.objects.create, id="a")
    with options(using=ONCE):
        with kit.faults.conflict("UpdateItem", nth=1), pytest.raises(TransactionConflict):
            deposit(do, 10)
        with kit.faults.conflict("UpdateItem", nth=1) as rule:
            deposit_with_retries(do, 10)
        assert rule.applied == 1
    assert do(Account.objects.get, id="a").balance == 10


# -- unprocessed -----------------------------------------------------------------------------------


def place_orders(do, orders):
    do(Order.objects.bulk_create, orders, overwrite=True)


def place_orders_with_retries(do, orders):
    while orders:
        try:
            place_orders(do, orders)
            return
        except Throttled as error:
            orders = error.unprocessed


def test_unprocessed_items_are_survived_by_sending_what_the_error_has(kit, do):
    with options(using=ONCE):
        with kit.faults.unprocessed("BatchWriteItem", nth=1) as rule, pytest.raises(Throttled):
            place_orders(do, [Order(id="a")])  # of a batch of which nothing is processed
        assert rule.applied == 1
        with kit.faults.unprocessed("BatchWriteItem", nth=1) as rule:
            place_orders_with_retries(do, [Order(id="a")])
        assert rule.applied == 1
    assert do(Order.objects.count) == 1


def test_unprocessed_items_of_a_batch_are_sent_again_by_every_connection(kit, do):
    with options(using=ONCE), kit.faults.unprocessed("BatchWriteItem", nth=7) as rule:
        place_orders(do, [Order(id=f"{at}") for at in range(25)])
    assert (rule.matched, rule.applied) == (26, 1)
    assert do(Order.objects.count) == 25


def write_with_boto3(client, requests):
    return client.batch_write_item(RequestItems=requests)["UnprocessedItems"]


def write_all_with_boto3(client, requests):
    while requests:
        requests = write_with_boto3(client, requests)


@pytest.mark.parametrize(("write", "written"), [(write_with_boto3, 2), (write_all_with_boto3, 3)])
def test_code_that_uses_boto3_sends_unprocessed_items_itself(kit, write, written):
    items = [{"id": {"S": f"{at}"}, "number": {"N": "1"}} for at in range(3)]
    requests = {"orders": [{"PutRequest": {"Item": each}} for each in items]}
    with Server(kit.local, port=0) as server, closing(boto3_client(server.url)) as client:
        with kit.faults.unprocessed("BatchWriteItem", nth=2):
            write(client, requests)
        assert Order.objects.count() == written


# -- stale -----------------------------------------------------------------------------------------


def close_by_index(do):
    """Close what the index has as open; it may not be open any more."""
    for order in do.list(Order.by_status.filter(status="open")):
        do(order.update, status="closed")


def count_open(do):
    return len(do.list(Order.by_status.filter(status="open")))


def count_open_of_the_table(do):
    found = do.list(Order.by_status.filter(status="open"))
    return sum(do(Order.objects.get, pk=each.pk).status == "open" for each in found)


def test_a_stale_index_is_survived_by_reading_the_items_again(kit, do):
    kit.clock.freeze()
    order = place_order(do)
    with kit.faults.stale(5, table=Order):
        kit.clock.tick(10)
        do(order.update, status="closed")
        assert count_open(do) == 1  # wrong
        assert count_open_of_the_table(do) == 0
        kit.clock.tick(6)  # the index has it now
        assert count_open(do) == 0


def find_totals(do, *, consistent=None):
    found = Order.by_total.filter(id="a", total__gte=0)
    found = found if consistent is None else found.consistent()
    return [int(each.total) for each in do.list(found)]


def test_a_stale_local_index_is_survived_by_consistent_reads(kit, do):
    kit.clock.freeze()
    order = place_order(do)
    with kit.faults.stale(5, "Query"):
        kit.clock.tick(10)
        do(order.update, total=7)
        assert find_totals(do) == [0]  # wrong
        assert find_totals(do, consistent=True) == [7]
        with options(consistent=True):
            assert find_totals(do) == [7]


# -- lose ------------------------------------------------------------------------------------------


def create_again(do):
    """Try again by hand, as if the first attempt had done nothing."""
    try:
        place_order(do)
    except ConnectionFailed:
        place_order(do)


def create_idempotently(do):
    """Try again by hand, and accept what the first attempt wrote."""
    try:
        create_again(do)
    except AlreadyExists as error:
        if error.current is None:
            raise


def test_a_lost_answer_of_a_create_is_survived_by_accepting_what_is_there(kit, do):
    with options(using=ONCE):
        with kit.faults.lose("PutItem", nth=1), pytest.raises(AlreadyExists):
            create_again(do)
        kit.clear()
        with kit.faults.lose("PutItem", nth=1) as rule:
            create_idempotently(do)
        assert rule.applied == 1
    assert do(Order.objects.count) == 1


def test_a_lost_answer_of_a_save_is_survived_by_a_connection_that_tries_again(kit, do):
    with options(using=ONCE), kit.faults.lose("PutItem", nth=1), pytest.raises(ConnectionFailed):
        do(Order(id="a").save)
    with kit.faults.lose("PutItem", nth=1) as rule:
        do(Order(id="a").save)
    assert (rule.matched, rule.applied) == (2, 1)


def add(do, order):
    do(order.update, total=F("total") + 1)


def add_again(do, order):
    """Try again by hand, as if the first attempt had done nothing."""
    try:
        add(do, order)
    except ConnectionFailed:
        add(do, order)


def add_once(do, order):
    """Try again by hand, if it was not carried out."""
    wanted = order.total + 1
    try:
        add(do, order)
    except ConnectionFailed:
        do(order.refresh_from_db)
        if order.total != wanted:
            add(do, order)


def test_a_lost_answer_of_an_increment_is_survived_by_looking_before_another(kit, do):
    with options(using=ONCE):
        order = place_order(do)
        with kit.faults.lose("UpdateItem", nth=1):
            add_again(do, order)
        assert do(Order.objects.get, pk=order.pk).total == 2  # wrong
        with kit.faults.lose("UpdateItem", nth=1):
            add_once(do, order)
        assert do(Order.objects.get, pk=order.pk).total == 3


# -- latency ---------------------------------------------------------------------------------------


def read_in_time(do):
    with options(deadline=0.05):
        return do(Order.objects.get, id="a", number=1)


def read_in_time_or_again(do):
    try:
        return read_in_time(do)
    except DeadlineExceeded:
        return do(Order.objects.get, id="a", number=1)


def test_latency_is_survived_by_asking_again(kit, do):
    place_order(do)
    with kit.faults.latency(0.3, "GetItem", nth=1), pytest.raises(DeadlineExceeded):
        read_in_time(do)
    with kit.faults.latency(0.3, "GetItem", nth=1) as rule:
        assert read_in_time_or_again(do).id == "a"
    assert rule.applied == 1


# -- rules -----------------------------------------------------------------------------------------


def test_a_rule_ends_with_its_block_even_after_an_error(kit):
    with pytest.raises(Throttled), kit.faults.throttle():
        Order.create(id="a")
    assert kit.local.faults.rules == ()


def test_rules_hold_together_and_end_one_by_one(kit):
    with ExitStack() as stack:
        stack.enter_context(kit.faults.stale(60))
        with kit.faults.stale(5), kit.faults.lose("DeleteItem"):
            assert [each.kind for each in kit.local.faults.rules] == ["stale", "stale", "lose"]
        assert [each.seconds for each in kit.local.faults.rules] == [60]
        order = Order.create(id="a")
        order.update(status="closed")
        assert Order.by_status.filter(status="closed").count() == 0
    assert Order.by_status.filter(status="closed").count() == 1


def test_a_rule_is_about_one_table_by_model_or_name(kit):
    with kit.faults.throttle(table=Order):
        assert Account.create(id="a").id == "a"
        with pytest.raises(Throttled), options(using=ONCE):
            Order.create(id="a")
    with kit.faults.throttle(table="accounts"):
        assert Order.create(id="a").id == "a"


def test_the_table_of_a_model_has_the_prefix_of_its_connection():
    connect(region_name="eu-west-1", table_prefix="dev-", retries=1)
    with EmbeddedEngine() as kit:
        kit.create_tables(Order)
        with kit.faults.throttle(table=Order), pytest.raises(Throttled):
            Order.create(id="a")


def test_a_seed_makes_the_choices_the_same(kit):
    def run(seed):
        kit.faults.seed(seed)
        failed = []
        with kit.faults.throttle("GetItem", probability=0.5), options(using=ONCE):
            for at in range(40):
                try:
                    Order.get(id="a", number=1)
                except Throttled:
                    failed.append(at)
        return failed

    assert run(1) == run(1) != run(2)
    assert 5 < len(run(1)) < 35
    kit.faults.clear()
    first = run(0)
    kit.faults.clear()
    assert first == run(0)


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda f: f.throttle("PutItems"), ConfigurationError, "no operation is called 'PutItems'"),
        (lambda f: f.throttle(nth=0), ConfigurationError, "counted from 1"),
        (lambda f: f.lose(probability=2), ConfigurationError, "from 0 to 1"),
        (lambda f: f.stale(0), ConfigurationError, "needs seconds"),
        (lambda f: f.latency(-1), ConfigurationError, "needs seconds"),
        (lambda f: f.conflict(table=int), TypeError, "int has no table"),
    ],
    ids=["operation", "nth", "probability", "stale", "latency", "table"],
)
def test_a_rule_that_no_request_could_fit_is_refused(kit, use, error, message):
    with pytest.raises(error, match=message), use(kit.faults):
        pass
    assert kit.local.faults.rules == ()

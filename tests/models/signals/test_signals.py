"""Signals and hooks: who is called when, with what, and what comes of what they raise."""

from __future__ import annotations

import asyncio
import copy
import functools
import gc
import pickle
import subprocess
import sys
import threading
import weakref

import pytest

from dynamodb_py import (
    CharField,
    Document,
    EmbeddedField,
    FieldNotLoaded,
    IntegerField,
    ListField,
    Model,
    ModelDefinitionError,
    QueryError,
    ValidationError,
)
from dynamodb_py.dispatching import receiver
from dynamodb_py.exceptions import make_service_error
from dynamodb_py.flows import arun, run
from dynamodb_py.models import signals
from dynamodb_py.models.queryset.write_execution import primary_key_of
from dynamodb_py.models.signals.events import (
    check_commit_receivers,
    is_observed,
    post_batch_write,
    post_delete,
    post_init,
    post_save,
    pre_batch_write,
    pre_delete,
    pre_init,
    pre_save,
    send_around_batch,
    send_post_batch_write,
    send_pre_batch_write,
    send_transaction_committed,
    transaction_committed,
)
from dynamodb_py.operations.base import Call

from ...scripted import Link, Script

ALL = [getattr(signals, name) for name in signals.__all__ if name not in {"Signal", "receiver"}]
SENT = [signal for signal in ALL if signal._can_await]


class Address(Document):
    city = CharField()


class Order(Model):
    number = CharField(hash_key=True)
    count = IntegerField(default=0)
    home = EmbeddedField(Address)


class Express(Order):
    pass


class Parcel(Model):
    number = CharField(hash_key=True)


class Base(Model):
    class Meta:
        abstract = True

    number = CharField(hash_key=True)


STORED = {"number": {"S": "a"}, "count": {"N": "3"}}


@pytest.fixture(autouse=True)
def alone():
    """Nobody heard anything before a test, and who does after it is disconnected."""
    assert [each for each in ALL if each.has_listeners()] == []
    yield
    for signal in ALL:
        for each in signal._list_receivers():
            assert signal.disconnect(each)
        assert not signal.in_use


class Log:
    """A receiver that notes what it was told."""

    def __init__(self) -> None:
        self.said: list[dict] = []

    def __call__(self, **said):
        self.said.append(said)

    def __len__(self):
        return len(self.said)

    def clear(self):
        self.said.clear()


@pytest.fixture
def log():
    return Log()


def ignore(sender, **kwargs):
    """Take anything."""


# -- connecting ----------------------------------------------------------------------------------


@pytest.mark.parametrize("signal", SENT, ids=repr)
def test_receivers_are_called_in_the_order_of_connecting(signal):
    sender = None if not signal._takes_sender else Order
    called: list[int] = []
    receivers = [lambda at=at, **_: called.append(at) for at in range(12)]
    for at, each in enumerate(receivers):
        signal.connect(each, sender if at % 3 else None)
    run(signal.send(Order), Link(Script()))
    assert called == list(range(12))


def test_one_that_is_connected_again_after_a_while_is_last():
    called: list[str] = []
    first, second = (lambda **_: called.append("first")), (lambda **_: called.append("second"))
    for each in (first, second):
        pre_save.connect(each, sender=Order)
    pre_save.disconnect(first, sender=Order)
    pre_save.connect(first, sender=Order)
    pre_save.connect(second, sender=Order)
    run(pre_save.send(Order), Link(Script()))
    assert called == ["second", "first"]


def test_a_receiver_is_told_the_signal_and_the_sender_by_name(log):
    pre_save.connect(log)
    run(pre_save.send(Order, instance=7), Link(Script()))
    assert log.said == [{"signal": pre_save, "sender": Order, "instance": 7}]


@pytest.mark.parametrize(
    ("sender", "heard"),
    [(None, [Order, Express, Parcel]), (Order, [Order]), (Express, [Express])],
)
def test_a_sender_is_that_class_and_not_its_subclasses(log, sender, heard):
    post_init.connect(log, sender=sender)
    for model in (Order, Express, Parcel):
        model(number="a")
    assert [said["sender"] for said in log.said] == heard


def test_connecting_twice_calls_once(log):
    for sender in (None, Order, Order, None):
        assert post_init.connect(log, sender=sender) is log
    Order(number="a")
    assert len(log) == 1


def test_bound_methods_are_receivers():
    class Counter:
        def __init__(self):
            self.count = 0

        def heard(self, **kwargs):
            self.count += 1

    counter, other = Counter(), Counter()
    for _ in range(2):
        post_init.connect(counter.heard)
    post_init.connect(other.heard)
    Order(number="a")
    assert (counter.count, other.count) == (1, 1)
    assert post_init.disconnect(counter.heard)
    Order(number="a")
    assert (counter.count, other.count) == (1, 2)
    gone = weakref.ref(other)
    del other
    gc.collect()
    assert gone() is None
    assert not post_init.has_listeners()


def test_the_decorator_takes_one_signal_or_several_and_gives_back_the_function(log):
    @receiver([pre_init, post_init], sender=Order)
    def both(**kwargs):
        log(**kwargs)

    @receiver(post_init)
    def one(sender, instance, **kwargs):
        """Say so."""
        log(sender=sender, instance=instance)

    assert one.__doc__ == "Say so."
    order = Order(number="a")
    assert [said.get("signal") for said in log.said] == [pre_init, post_init, None]
    assert log.said[2] == {"sender": Order, "instance": order}


@pytest.mark.parametrize("sender", [None, Order])
def test_receivers_are_held_weakly_unless_asked_otherwise(log, sender):
    def make(weak):
        def inner(**kwargs):
            log(weak=weak)

        post_init.connect(inner, sender, weak=weak)
        return weakref.ref(inner)

    weak, strong = make(True), make(False)
    gc.collect()
    Order(number="a")
    assert log.said == [{"weak": False}]
    assert weak() is None
    assert post_init.disconnect(strong(), sender=sender)
    gc.collect()
    assert strong() is None  # nor is it held any longer
    assert not post_init.in_use


@pytest.mark.parametrize(
    ("connected", "disconnected", "changes", "heard"),
    [
        ([None], None, True, []),
        ([Order], None, True, []),
        ([Order, Parcel, None], None, True, []),
        ([Order], Order, True, []),
        ([Order, Parcel], Order, True, [Parcel]),
        ([Order, None], Order, False, [Order, Parcel]),
        ([None], Order, False, [Order, Parcel]),
        ([Parcel], Order, False, [Parcel]),
        ([], None, False, []),
        ([], Order, False, []),
    ],
)
def test_disconnecting_ends_one_connection_or_all(log, connected, disconnected, changes, heard):
    post_save.connect(ignore)
    for sender in connected:
        post_init.connect(log, sender)
    assert post_init.disconnect(log, disconnected) is changes
    Order(number="a")
    Parcel(number="a")
    assert [said["sender"] for said in log.said] == heard
    assert post_init.in_use is bool(heard)


def test_what_is_not_connected_is_not_disconnected():
    assert not pre_delete.disconnect(ignore)
    pre_delete.connect(ignore)
    assert not pre_delete.disconnect(run)
    assert pre_delete.has_listeners()
    assert pre_delete.has_listeners(Order)
    assert not post_delete.has_listeners(Order)


async def wait(sender, **kwargs):
    """Be async."""


class AsyncCall:
    async def __call__(self, sender, **kwargs): ...


def generate(sender, **kwargs):
    yield sender


async def agenerate(sender, **kwargs):
    yield sender


class Slotted:
    __slots__ = ()

    def __call__(self, **kwargs): ...


@pytest.mark.parametrize(
    ("signal", "given", "sender", "said"),
    [
        (pre_save, 7, None, "pre_save: a receiver is a function, not 7"),
        (pre_save, lambda sender: None, None, r"takes no \*\*kwargs"),
        (pre_save, lambda sender, instance, created: None, None, r"takes no \*\*kwargs"),
        (pre_save, generate, None, r"generate is a generator, which would never run"),
        (pre_save, agenerate, None, r"agenerate is a generator, which would never run"),
        (pre_save, Slotted(), None, "cannot be held weakly: pass weak=False"),
        (pre_save, ignore, Base, r"Base is not a model with a table.*or without sender="),
        (pre_save, ignore, Model, "Model is not a model with a table"),
        (pre_save, ignore, Address, "Address is not a model with a table"),
        (pre_save, ignore, Order(number="a"), "is not a model with a table"),
        (pre_save, ignore, "Order", "sender='Order' is not a model"),
        (
            signals.class_prepared,
            ignore,
            Order,
            "class_prepared cannot be connected for one model only",
        ),
        (transaction_committed, ignore, Order, "cannot be connected for one model only"),
        (pre_init, wait, None, "wait is async, but this signal"),
        (post_init, wait, Order, "wait is async, but this signal"),
        (post_init, functools.partial(wait, x=1), Order, "is async, but this signal"),
        (post_init, AsyncCall(), Order, "is async, but this signal"),
        (signals.class_prepared, wait, None, "wait is async, but this signal"),
    ],
    ids=[
        "a number",
        "no kwargs",
        "named ones only",
        "a generator",
        "an async generator",
        "not weakly",
        "an abstract model",
        "Model",
        "a document",
        "an instance",
        "a name",
        "of classes",
        "of transactions",
        "async, pre_init",
        "async, post_init",
        "async, partial",
        "async, an object",
        "async, class_prepared",
    ],
)
def test_what_would_never_work_is_refused_when_it_is_connected(signal, given, sender, said):
    with pytest.raises(TypeError, match=said):
        signal.connect(given, sender)
    assert not signal.has_listeners()
    with pytest.raises(TypeError, match=said):
        receiver(signal, sender=sender)(given)


def test_functions_of_which_nobody_knows_the_parameters_are_taken():
    class Odd:
        __signature__ = "no signature"

        def __call__(self, **kwargs): ...

    odd = Odd()
    assert pre_save.connect(odd) is odd


def test_threads_may_connect_and_disconnect_while_others_send():
    models = [type(f"M{at}", (Parcel,), {}) for at in range(6)]
    errors: list[BaseException] = []
    start, over = threading.Barrier(9), threading.Event()

    def connecting(model):
        try:
            start.wait(10)
            for at in range(150):
                log = Log()
                post_save.connect(log, sender=model)
                run(post_save.send(model, at=at), Link(Script()))
                assert post_save.disconnect(log, sender=model)
                run(post_save.send(model, at=-1), Link(Script()))
                # Those who send meanwhile are heard too.
                assert [said["at"] for said in log.said if "at" in said] == [at]
        except BaseException as error:
            errors.append(error)

    def sending():
        try:
            start.wait(10)
            while not over.is_set():
                for model in models:
                    run(post_save.send(model), Link(Script()))
                    is_observed(model, "save")
        except BaseException as error:
            errors.append(error)

    busy = [threading.Thread(target=connecting, args=[model]) for model in models]
    others = [threading.Thread(target=sending) for _ in range(3)]
    for thread in busy + others:
        thread.start()
    for thread in busy:
        thread.join(30)
    over.set()
    for thread in others:
        thread.join(30)
    assert errors == []
    assert not post_save.in_use
    assert not any(is_observed(model, "save") for model in models)


# -- the classes -----------------------------------------------------------------------------------


def test_a_model_with_a_table_is_told_of_when_it_is_complete():
    told: list[tuple[type, list[str]]] = []

    class Mixed(Model):
        class Meta:
            abstract = True

        @classmethod
        def class_prepared(cls):
            cls.add_field("late", CharField())

    @receiver(signals.class_prepared)
    def note(sender, **kwargs):
        told.append((sender, list(sender._meta.field_set.by_name)))

    class Made(Mixed):
        number = CharField(hash_key=True)

    class Abstract(Mixed):
        class Meta:
            abstract = True

    assert told == [(Made, ["number", "late"])]


def test_what_hears_of_a_class_may_refuse_it():
    @receiver(signals.class_prepared)
    def refuse(sender, **kwargs):
        raise ModelDefinitionError(f"{sender.__name__} is not wanted")

    with pytest.raises(ModelDefinitionError, match="Unwanted is not wanted"):
        type("Unwanted", (Model,), {})


# -- making and loading ----------------------------------------------------------------------------


def test_making_an_instance_is_told_before_and_after(log):
    pre_init.connect(log)
    post_init.connect(log)
    order = Order("a", count=2)
    assert log.said == [
        {"signal": pre_init, "sender": Order, "args": ("a",), "kwargs": log.said[0]["kwargs"]},
        {"signal": post_init, "sender": Order, "instance": order},
    ]
    assert (order.number, order.count) == ("a", 2)


def test_before_an_instance_is_made_its_values_can_be_changed():
    @receiver(pre_init, sender=Order)
    def count(kwargs, **_):
        kwargs["count"] = kwargs.get("count", 0) + 1

    @receiver(pre_init, sender=Parcel)
    def name(kwargs, **_):
        kwargs["number"] = "b"

    assert Order("a").count == 1
    assert Order(number="a", count=2).count == 3
    assert Parcel().number == "b"
    with pytest.raises(TypeError, match="two values for number"):
        Parcel("a")


LOADED = {
    "from_db": lambda: Order.from_db(STORED),
    "_load": lambda: Order._load(b'{"number":{"S":"a"},"count":{"N":"3"}}'),
    "_partially": lambda: Order._load_partially(frozenset({"number", "count"}))(
        b'{"number":{"S":"a"},"count":{"N":"3"}}'
    ),
    "from_dict": lambda: Order.from_dict({"number": "a", "count": 3}),
}


@pytest.mark.parametrize("way", LOADED)
def test_instances_that_are_loaded_are_told_of_and_can_be_read(way):
    seen: list[tuple[str, int, Order]] = []

    @receiver(post_init, sender=Order)
    def read(instance, **_):
        seen.append((instance.number, instance.count, instance))
        instance.mark = "seen"

    order = LOADED[way]()
    assert seen == [("a", 3, order)]
    assert seen[0][2] is order
    assert order.mark == "seen"
    assert order.is_changed is (way == "from_dict")


@pytest.mark.parametrize("way", LOADED)
def test_loading_is_as_before_when_nobody_hears_any_longer(way, log):
    plain = vars(Model).get("_load"), Order._load.__func__
    post_init.connect(log, sender=Parcel)
    assert LOADED[way]().count == 3
    post_init.connect(log, sender=Order)
    LOADED[way]()
    assert len(log) == 1
    post_init.disconnect(log)
    LOADED[way]()
    assert len(log) == 1
    assert (vars(Model).get("_load"), Order._load.__func__) == plain
    assert not {"_load", "_partially"} & vars(Model).keys()


def test_subclasses_that_load_in_their_own_way_are_told_of_once(log):
    class Own(Parcel):
        @classmethod
        def from_dict(cls, values):
            return super().from_dict({**values, "number": "own"})

    post_init.connect(log, sender=Own)
    assert Own.from_dict({"number": "a"}).number == "own"
    assert Own._load(b'{"number":{"S":"a"}}').number == "a"
    assert len(log) == 2


def test_documents_and_copies_are_told_of_by_nobody(log):
    order = Order(number="a", home=Address(city="Lyon"))
    pre_init.connect(log)
    post_init.connect(log)
    Address(city="Lyon")
    Address.from_db({"city": {"S": "Lyon"}})
    assert copy.deepcopy(order).home.city == "Lyon"
    assert pickle.loads(pickle.dumps(order)) == order
    assert len(log) == 0


def test_a_reference_that_is_read_is_told_of_as_what_it_is_a_key():
    class Van(Model):
        plate = CharField(hash_key=True)
        orders = ListField(Order)

    missing: list[str] = []

    @receiver(post_init, sender=Order)
    def look(instance, **_):
        with pytest.raises(FieldNotLoaded):
            _ = instance.count
        missing.append(instance.number)

    van = Van.from_db({"plate": {"S": "x"}, "orders": {"L": [{"S": "a"}]}})
    assert [order.number for order in van.orders] == ["a"]
    with pytest.raises(FieldNotLoaded):
        _ = van.orders[0].count
    assert missing == ["a"]


def test_keys_that_are_only_looked_at_are_told_of_by_nobody(script, log):
    script.answers += [b"{}"]
    post_init.connect(log)
    Order.objects.filter(number="a").update(count=3)
    assert primary_key_of(Order, {"number": {"S": "a"}}) == "a"
    assert len(log) == 0


def test_who_connects_nothing_does_not_load_what_keeps_receivers():
    script = (
        "import sys, dynamodb_py\n"
        "class A(dynamodb_py.Model): pass\n"
        "A.from_dict(A().to_dict())\n"
        "print('blinker' in sys.modules)\n"
        "dynamodb_py.signals.pre_save.connect(lambda **_: None)\n"
        "print('blinker' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["False", "True"], done.stderr


def test_what_raises_while_an_instance_is_made_or_loaded_is_raised():
    @receiver(post_init)
    def refuse(instance, **_):
        raise LookupError(instance.number)

    with pytest.raises(LookupError, match="a"):
        Order(number="a")
    with pytest.raises(LookupError, match="a"):
        Order.from_db(STORED)


def test_what_cannot_be_awaited_is_refused_without_a_warning():
    @receiver(post_init)
    def sneak(**kwargs):
        return wait(**kwargs)

    with pytest.raises(TypeError, match=r"post_init: .*sneak returned an awaitable"):
        Order(number="a")


def test_an_own_init_is_part_of_making(log):
    class Own(Model):
        number = CharField(hash_key=True)

        def __init__(self, number):
            super().__init__(number=number.upper())
            self.done = True

    post_init.connect(log, sender=Own)
    assert Own("a").number == "A"
    assert Own.from_db({"number": {"S": "b"}}).number == "b"
    assert [said["instance"].number for said in log.said] == ["A", "b"]


# -- hooks -----------------------------------------------------------------------------------------


def test_models_that_nobody_hears_are_told_apart():
    class Quiet(Model):
        number = CharField(hash_key=True)

    class Loud(Quiet):
        def after_save(self, created): ...

    class Loudest(Loud):
        async def before_delete(self): ...

    class Silenced(Loudest):
        after_save = None  # type: ignore[assignment]
        before_delete = None  # type: ignore[assignment]

    def heard(kind):
        return [verb for verb in ("save", "delete", "batch_write") if is_observed(kind, verb)]

    for _ in range(2):  # found out, and known
        assert [heard(kind) for kind in (Quiet, Loud, Loudest, Silenced)] == [
            [],
            ["save"],
            ["save", "delete"],
            [],
        ]
    post_delete.connect(ignore, sender=Quiet)
    pre_batch_write.connect(ignore)
    assert [heard(kind) for kind in (Quiet, Loud, Loudest, Silenced)] == [
        ["delete", "batch_write"],
        ["save", "batch_write"],
        ["save", "delete", "batch_write"],
        ["batch_write"],
    ]
    post_delete.disconnect(ignore)
    pre_batch_write.disconnect(ignore)
    assert heard(Quiet) == []


def test_a_plain_class_may_bring_the_hooks():
    class Stamped:
        def before_save(self, created):
            self.stamp = created

    class Stamp(Stamped, Parcel):
        pass

    assert is_observed(Stamp, "save")
    assert not is_observed(Stamp, "delete")


def nothing(self): ...


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("before_save", nothing),
        ("after_save", 7),
        ("before_delete", lambda self, created: None),
        ("after_delete", "text"),
        ("before_save", lambda self, created: (yield)),
        ("before_save", property(lambda self: None)),
        ("before_save", staticmethod(lambda: None)),
    ],
    ids=["too few", "a number", "too many", "text", "a generator", "a property", "static"],
)
def test_hooks_that_could_not_be_called_are_refused_with_the_class(name, member):
    with pytest.raises(ModelDefinitionError, match=rf"Wrong.{name} is the name of a hook"):
        type("Wrong", (Parcel,), {name: member})


@pytest.mark.parametrize("name", ["before_save", "after_save", "before_delete", "after_delete"])
def test_a_field_cannot_have_the_name_of_a_hook(name):
    with pytest.raises(ModelDefinitionError, match=f"would hide Model.{name}"):
        type("Wrong", (Parcel,), {name: CharField()})


def test_the_hooks_of_a_base_can_be_called_whatever_it_is():
    class Polite(Parcel):
        def before_save(self, created):
            assert super().before_save(created) is None

    Polite(number="a").before_save(True)
    assert Parcel(number="a").after_delete() is None


# -- saving and deleting ---------------------------------------------------------------------------

UPDATED = b"{}"


@pytest.fixture(params=["sync", "async"])
def do(request):
    """Call a method of an instance, or await its twin."""
    if request.param == "sync":
        return lambda method, **kwargs: method(**kwargs)

    def awaited(method, **kwargs):
        return asyncio.run(getattr(method.__self__, f"a{method.__name__}")(**kwargs))

    return awaited


def spy(events: list, signal):
    """Return a receiver that notes when it is called, and with what."""

    def note(sender, instance, **said):
        said.pop("signal")
        events.append((signal.name, sender, instance.number, said))

    return signal.connect(note, weak=False)


def test_saving_is_told_around_the_request(script, do):
    events: list = []
    script.answers += [lambda op: events.append(op.api) or b"{}" for _ in range(2)]

    class Told(Model):
        number = CharField(hash_key=True)
        count = IntegerField()

        def before_save(self, created):
            events.append(("before_save", created))

        def after_save(self, created):
            events.append(("after_save", created))

    spy(events, pre_save)
    spy(events, post_save)
    told = Told(number="a", count=1)
    do(told.save)
    new = {"created": True, "update_fields": None, "using": "default"}
    assert events == [
        ("before_save", True),
        ("pre_save", Told, "a", new),
        "PutItem",
        ("post_save", Told, "a", new),
        ("after_save", True),
    ]
    events.clear()
    told.count = 2
    do(told.save, update_fields=["count"])
    old = {"created": False, "update_fields": frozenset({"count"}), "using": "default"}
    assert events == [
        ("before_save", False),
        ("pre_save", Told, "a", old),
        "UpdateItem",
        ("post_save", Told, "a", old),
        ("after_save", False),
    ]


def test_deleting_is_told_around_the_request(script, do):
    events: list = []
    script.answers += [lambda op: events.append(op.api) or b"{}"]

    class Told(Model):
        number = CharField(hash_key=True)

        async def before_delete(self):
            await asyncio.sleep(0)
            events.append("before_delete")

        def after_delete(self):
            events.append("after_delete")

    spy(events, pre_delete)
    spy(events, post_delete)
    do(Told(number="a").delete)
    said = {"using": "default"}
    assert events == [
        "before_delete",
        ("pre_delete", Told, "a", said),
        "DeleteItem",
        ("post_delete", Told, "a", said),
        "after_delete",
    ]


def test_what_is_set_before_saving_is_saved(script, do):
    script.answers += [b"{}", b"{}"]

    @receiver(pre_save, sender=Order)
    async def count(instance, **_):
        await asyncio.sleep(0)
        instance.count += 1

    order = Order(number="a")
    do(order.save)
    do(order.save)
    assert [each.api for each in script.sent] == ["PutItem", "UpdateItem"]
    assert script.payloads[0]["Item"]["count"] == {"N": "1"}
    assert script.payloads[1]["ExpressionAttributeValues"] == {":0": {"N": "2"}}


def test_what_is_wrong_after_the_hooks_is_refused(script, do):
    @receiver(pre_save, sender=Order)
    def spoil(instance, **_):
        instance.count = "many"

    with pytest.raises(ValidationError, match="count"):
        do(Order(number="a").save)
    assert script.sent == []


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("signal", [pre_save, pre_delete])
def test_what_raises_before_prevents_it(script, do, signal, is_async):
    def refuse(instance, **_):
        raise PermissionError(instance.number)

    async def arefuse(instance, **_):
        raise PermissionError(instance.number)

    later = Log()
    signal.connect(arefuse if is_async else refuse, weak=False)
    signal.connect(later)
    order = Order(number="a")
    with pytest.raises(PermissionError, match="a"):
        do(order.save if signal is pre_save else order.delete)
    assert script.sent == []
    assert not order.persisted
    assert len(later) == 0


def test_what_raises_after_is_raised_and_the_item_is_written(script, do):
    script.answers += [b"{}"]

    @receiver(post_save)
    def fail(instance, **_):
        raise LookupError("mail")

    order = Order(number="a")
    with pytest.raises(LookupError, match="mail"):
        do(order.save)
    assert order.persisted
    assert not order.is_changed


def test_what_fails_is_not_told_of_afterwards(script, do):
    script.answers += [make_service_error("ValidationException", "no")]
    before, after = Log(), Log()
    pre_save.connect(before)
    post_save.connect(after)
    with pytest.raises(Exception, match="no"):
        do(Order(number="a").save)
    assert (len(before), len(after)) == (1, 0)


def test_saving_within_a_receiver_is_saving(script, do):
    script.answers += [b"{}", b"{}"]

    @receiver(post_save, sender=Order)
    async def copied(instance, **_):
        await Parcel(number=instance.number).asave()

    do(Order(number="a").save)
    assert [each.table for each in script.sent] == ["Order", "Parcel"]


def test_a_plain_receiver_may_give_something_to_be_awaited(script, do):
    script.answers += [b"{}"]
    done: list[str] = []

    @receiver(post_save)
    def start(instance, **_):
        async def finish():
            done.append(instance.number)

        return finish()

    do(Order(number="a").save)
    assert done == ["a"]


class Awaited(Model):
    number = CharField(hash_key=True)

    async def after_save(self, created): ...

    async def after_delete(self): ...


@pytest.mark.parametrize("verb", ["save", "delete"])
@pytest.mark.parametrize("where", ["hook", "pre", "post"])
def test_blocking_within_a_loop_refuses_async_receivers_before_anything_is_called_or_sent(
    script, verb, where
):
    first = Log()
    pre, post = (pre_save, post_save) if verb == "save" else (pre_delete, post_delete)
    pre.connect(first)
    model, name = Order, rf"wait, a receiver of {where}_{verb}, has to be awaited"
    if where == "hook":
        model, name = Awaited, rf"Awaited.after_{verb}\(\) has to be awaited"
    else:
        (pre if where == "pre" else post).connect(wait)

    async def main():
        getattr(model(number="a"), verb)()

    with pytest.raises(QueryError, match=rf"{name}.* asave\(\) for save\(\)"):
        asyncio.run(main())
    assert script.sent == []
    assert len(first) == 0


def test_blocking_within_a_loop_calls_plain_receivers(script, log):
    script.answers += [b"{}"]
    post_save.connect(log)

    async def main():
        Order(number="a").save()

    asyncio.run(main())
    assert len(log) == 1


# -- batches and transactions ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "drive", [run, lambda flow, link: asyncio.run(arun(flow, link))], ids=["run", "arun"]
)
def test_batches_and_transactions_are_told_of(drive, log):
    for signal in (pre_batch_write, post_batch_write, transaction_committed):
        signal.connect(log)
    orders = [Order(number="a"), Order(number="b")]

    class Block:
        pass

    block = Block()
    for flow in (
        send_pre_batch_write(Order, orders, [("c",)], using="default"),
        send_post_batch_write(Order, orders, [("c",)], using="default"),
        check_commit_receivers(block),
        send_transaction_committed(block, orders),
    ):
        drive(flow, Link(Script()))
    what = {"instances": tuple(orders), "deleted": (("c",),), "using": "default"}
    assert log.said == [
        {"signal": pre_batch_write, "sender": Order, **what},
        {"signal": post_batch_write, "sender": Order, **what},
        {
            "signal": transaction_committed,
            "sender": Block,
            "transaction": block,
            "instances": tuple(orders),
        },
    ]


def sending(word):
    outcome = yield from Call(lambda: word)
    return outcome * 2


def test_around_a_batch_of_several_models_each_is_told_of_once(log):
    pre_batch_write.connect(log)
    post_batch_write.connect(log, sender=Parcel)
    orders, parcels = [Order(number="a"), Order(number="b")], [Parcel(number="c")]
    done: list[int] = []

    def flow():
        done.append(len(log))
        return (yield from sending("x"))

    mixed = [orders[0], *parcels, orders[1]]
    around = send_around_batch(flow(), mixed, [(Express, "d"), (Order, "e")], using="other")
    assert run(around, Link(Script())) == "xx"
    assert done == [3]
    told = [
        (said["signal"], said["sender"], said["instances"], said["deleted"]) for said in log.said
    ]
    assert told == [
        (pre_batch_write, Order, tuple(orders), ("e",)),
        (pre_batch_write, Parcel, tuple(parcels), ()),
        (pre_batch_write, Express, (), ("d",)),
        (post_batch_write, Parcel, tuple(parcels), ()),
    ]
    assert {said["using"] for said in log.said} == {"other"}


@pytest.mark.parametrize("where", ["before", "during"])
def test_a_batch_that_fails_is_not_told_of_afterwards(log, where):
    post_batch_write.connect(log)
    ended: list[str] = []

    def fail(**_):
        raise LookupError(where)

    if where == "before":
        pre_batch_write.connect(fail)

    def flow():
        try:
            yield from Call(fail)
        finally:
            ended.append("ended")

    with pytest.raises(LookupError, match=where):
        run(send_around_batch(flow(), [Order(number="a")], using="default"), Link(Script()))
    assert len(log) == 0
    assert ended == ([] if where == "before" else ["ended"])  # it was never begun


def test_around_a_batch_that_nobody_hears_there_is_nothing():
    assert (
        run(send_around_batch(sending("x"), [Order(number="a")], using="a"), Link(Script())) == "xx"
    )


@pytest.mark.parametrize(
    ("signal", "flow"),
    [
        (pre_batch_write, lambda: send_pre_batch_write(Order, [], [], using="default")),
        (post_batch_write, lambda: send_pre_batch_write(Order, [], [], using="default")),
        (transaction_committed, lambda: check_commit_receivers(object())),
    ],
    ids=["before a batch", "after a batch", "after a commit"],
)
def test_what_could_not_be_awaited_after_it_prevents_a_batch_and_a_commit(signal, flow):
    signal.connect(wait)

    async def main():
        run(flow(), Link(Script()))

    with pytest.raises(QueryError, match=f"wait, a receiver of {signal.name}, has to be awaited"):
        asyncio.run(main())
    run(flow(), Link(Script()))  # outside a loop, it can be

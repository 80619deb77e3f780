"""Signals and hooks around real writes: which are called on which path, and what is stored then."""

from __future__ import annotations

import pytest

from dynamodb_py import (
    CharField,
    ConditionFailed,
    F,
    IntegerField,
    Model,
    ValidationError,
    delete_all,
    save_all,
    transaction,
)
from dynamodb_py.dispatching import receiver
from dynamodb_py.models.signals.events import (
    post_batch_write,
    post_delete,
    post_init,
    post_save,
    pre_batch_write,
    pre_delete,
    pre_save,
    transaction_committed,
)


class Ticket(Model):
    class Meta:
        table_name = "tickets"

    number = CharField(hash_key=True)
    seats = IntegerField(default=1)
    note = CharField()


class Audit(Model):
    class Meta:
        table_name = "audits"

    number = CharField(hash_key=True)
    what = CharField()


class Guest(Model):
    """A model with hooks, one of each kind."""

    class Meta:
        table_name = "guests"

    name = CharField(hash_key=True)
    visits = IntegerField(default=0)

    async def before_save(self, created):
        self.visits += 1
        self.seen = ["before_save", created]

    def after_save(self, created):
        self.seen += ["after_save", created, self.is_changed]

    def before_delete(self):
        self.seen = ["before_delete", self.persisted]

    async def after_delete(self):
        self.seen += ["after_delete", self.persisted]


TABLES = [Ticket, Audit, Guest]
AROUND = [pre_save, post_save, pre_delete, post_delete, pre_batch_write, post_batch_write]


@pytest.fixture(autouse=True)
def forgotten():
    """What is connected in a test is not held by the traceback of an error, beyond its end."""
    yield
    for signal in (*AROUND, post_init):
        for listener in list(signal.find_receivers(Ticket)):
            signal.disconnect(listener)


@pytest.fixture
def heard():
    """The names of the signals of tickets, in the order in which they were sent."""
    names: list[str] = []

    def note(signal, sender, **_):
        names.append(signal.name)

    for signal in AROUND:
        signal.connect(note, sender=Ticket)
    transaction_committed.connect(note)
    yield names
    for signal in (*AROUND, transaction_committed):
        signal.disconnect(note)


def taken(heard):
    """Return what was heard since it was asked last."""
    names = list(heard)
    heard.clear()
    return names


SAVED = ["pre_save", "post_save"]
DELETED = ["pre_delete", "post_delete"]
BATCH = ["pre_batch_write", "post_batch_write"]


def test_every_way_to_save_or_delete_one_is_heard(do, key, heard, stored):
    ticket = do(Ticket.objects.create, number=key)
    assert taken(heard) == SAVED
    ticket.seats = 2
    do(ticket.save)
    assert taken(heard) == SAVED
    assert stored(ticket)["seats"] == {"N": "2"}
    do(ticket.save)  # though there is nothing to send
    assert taken(heard) == SAVED
    do(ticket.delete)
    assert taken(heard) == DELETED
    assert stored(ticket) is None
    assert do(Ticket.objects.get_or_create, number=key)[1]
    assert taken(heard) == SAVED
    assert not do(Ticket.objects.get_or_create, number=key)[1]
    assert taken(heard) == []
    assert do(Ticket.objects.update_or_create, number=f"{key}-2", defaults={"seats": 3})[1]
    assert taken(heard) == SAVED


def test_updates_by_expression_are_heard_by_nobody(do, key, heard, stored):
    ticket = do(Ticket.objects.create, number=key)
    heard.clear()
    do(ticket.update, seats=F("seats") + 1)
    do(ticket.incr, seats=1)
    do(Ticket.objects.filter(number=key).update, seats=F("seats") + 1)
    assert not do(Ticket.objects.update_or_create, number=key, defaults={"note": "x"})[1]
    assert stored(ticket)["seats"] == {"N": "4"}
    do(Ticket.objects.filter(number=key).delete)
    assert stored(ticket) is None
    assert heard == []


def test_what_raises_before_it_prevents_the_write(do, key, sent, stored):
    @receiver([pre_save, pre_delete], sender=Ticket)
    def closed(instance, signal, **_):
        if instance.note == "closed":
            raise PermissionError(signal.name)

    ticket = do(Ticket.objects.create, number=key)
    ticket.note, ticket.seats = "closed", 5
    sent.clear()
    with pytest.raises(PermissionError, match="pre_save"):
        do(ticket.save)
    with pytest.raises(PermissionError, match="pre_delete"):
        do(ticket.delete)
    assert sent == []
    assert stored(ticket)["seats"] == {"N": "1"}
    assert ticket.is_changed


def test_a_write_that_fails_is_not_heard_of_afterwards(engine, do, key, heard):
    do(Ticket.objects.create, number=key)
    heard.clear()
    with pytest.raises(Ticket.AlreadyExists):
        do(Ticket.objects.create, number=key)
    assert taken(heard) == ["pre_save"]
    with pytest.raises(ConditionFailed):
        do(Ticket(number=key).delete, condition=Ticket.seats > 7)
    assert taken(heard) == ["pre_delete"]


def test_async_receivers_can_write_too(do, key, stored):
    @receiver([post_save, post_delete], sender=Ticket)
    async def audit(instance, signal, **_):
        await Audit(number=instance.number, what=signal.name).asave()

    ticket = do(Ticket.objects.create, number=key)
    assert stored(Audit(number=key))["what"] == {"S": "post_save"}
    do(ticket.delete)
    assert stored(Audit(number=key))["what"] == {"S": "post_delete"}


def test_the_methods_of_a_model_are_called_around_its_writes(do, key, stored):
    guest = do(Guest.objects.create, name=key)
    assert guest.seen == ["before_save", True, "after_save", True, False]
    guest = do(Guest.objects.get, name=key)
    do(guest.save)
    assert guest.seen == ["before_save", False, "after_save", False, False]
    assert stored(guest)["visits"] == {"N": "2"}
    do(guest.delete)
    assert guest.seen == ["before_delete", True, "after_delete", False]
    assert stored(guest) is None


# -- many ------------------------------------------------------------------------------------------


def test_saving_many_instances_is_saving_each(do, key, heard, stored):
    old = do(Ticket.objects.create, number=f"{key}-0")
    old.seats = 7
    heard.clear()
    tickets = [old, *(Ticket(number=f"{key}-{at}") for at in range(1, 4))]
    guests = [Guest(name=f"{key}-{at}") for at in range(2)]
    do(save_all, [*tickets, *guests])
    assert sorted(heard) == sorted(SAVED * 4)
    assert stored(old)["seats"] == {"N": "7"}
    assert [guest.seen[-1] for guest in guests] == [False, False]
    assert all(stored(each) for each in [*tickets, *guests])


def test_batches_are_heard_of_as_batches(do, key, heard, stored):
    seen: list[tuple[list[str], int]] = []

    @receiver(AROUND[-2:], sender=Ticket)
    def look(instances, deleted, using, **_):
        assert using == "default"
        seen.append(([each.number for each in instances], len(deleted)))

    numbers = [f"{key}-{at}" for at in range(3)]
    tickets = [Ticket(number=number) for number in numbers]
    do(Ticket.objects.bulk_create, tickets)
    assert (taken(heard), seen) == (BATCH, [(numbers, 0)] * 2)
    seen.clear()
    do(Ticket.objects.batch_write, tickets[:2], delete=[numbers[2]], overwrite=True)
    assert (taken(heard), seen) == (BATCH, [(numbers[:2], 1)] * 2)
    seen.clear()
    assert [stored(each) is not None for each in tickets] == [True, True, False]
    do(Ticket.objects.bulk_delete, numbers[:1])
    assert (taken(heard), seen) == (BATCH, [([], 1)] * 2)
    seen.clear()
    do(delete_all, tickets[1:])
    assert (taken(heard), seen) == (BATCH, [([], 2)] * 2)
    assert [stored(each) for each in tickets] == [None] * 3


def test_what_raises_before_a_batch_prevents_it(do, key, sent):
    @receiver(pre_batch_write, sender=Ticket)
    async def refuse(instances, **_):
        raise PermissionError(len(instances))

    with pytest.raises(PermissionError, match="2"):
        do(Ticket.objects.bulk_create, [Ticket(number=f"{key}-{at}") for at in range(2)])
    with pytest.raises(PermissionError, match="0"):
        do(Ticket.objects.bulk_delete, [key])
    assert sent == []


def test_who_hears_of_a_batch_may_change_what_is_written(do, key, stored):
    @receiver(pre_batch_write, sender=Ticket)
    def note(instances, **_):
        for instance in instances:
            instance.note = f"{instance.note or ''}!"

    def tickets():
        return [Ticket(number=f"{key}-{at}") for at in range(2)]

    def block():
        with Ticket.objects.batch_write(overwrite=True) as batch:
            for each in tickets():
                batch.put(each)

    async def ablock():
        async with Ticket.objects.abatch_write(overwrite=True) as batch:
            for each in tickets():
                await batch.put(each)

    loaded = do(Ticket.objects.bulk_create, tickets())
    for write in (
        lambda: do(Ticket.objects.bulk_create, tickets(), overwrite=True),
        lambda: do(Ticket.objects.bulk_create, tickets(), update_conflicts=True),
        lambda: do(Ticket.objects.bulk_update, tickets(), ["note"]),
        lambda: block() if do.mode == "sync" else do.run(ablock()),
    ):
        assert stored(loaded[0])["note"] == {"S": "!"}
        do(loaded[0].update, note="?")
        write()
        assert [stored(each)["note"] for each in loaded] == [{"S": "!"}] * 2
    do(Ticket.objects.bulk_update, loaded, ["note"])
    assert [stored(each)["note"] for each in loaded] == [{"S": "?!"}, {"S": "!!"}]


def test_what_a_receiver_makes_of_a_batch_is_checked_before_anything_is_sent(do, key, sent):
    @receiver(pre_batch_write, sender=Ticket)
    def spoil(instances, **_):
        instances[-1].seats = "many"

    tickets = [Ticket(number=f"{key}-{at}") for at in range(30)]
    for how in ({}, {"overwrite": True}, {"update_conflicts": True}):
        tickets[-1].seats = 1
        with pytest.raises(ValidationError, match="seats"):
            do(Ticket.objects.bulk_create, tickets, **how)
    assert sent == []


def test_of_a_block_each_request_is_heard_of(do, key, heard, stored):
    sizes: list[tuple[int, int]] = []

    @receiver(pre_batch_write, sender=Ticket)
    def look(instances, deleted, **_):
        sizes.append((len(instances), len(deleted)))

    def block():
        with Ticket.objects.batch_write() as batch:
            for at in range(26):
                batch.put({"number": f"{key}-{at}"})
            batch.delete(f"{key}-gone")

    async def ablock():
        async with Ticket.objects.abatch_write() as batch:
            for at in range(26):
                await batch.put({"number": f"{key}-{at}"})
            await batch.delete(f"{key}-gone")

    if do.mode == "sync":
        block()
    else:
        do.run(ablock())
    assert (heard, sizes) == (BATCH * 2, [(25, 0), (1, 1)])


def test_a_block_tells_what_a_receiver_kept_from_being_written(engine, key, sent):
    @receiver(pre_batch_write, sender=Ticket)
    def refuse(instances, **_):
        if len(instances) == 1:
            raise PermissionError("one is too few")

    reused = Ticket(number=f"{key}-0")
    with pytest.raises(PermissionError), Ticket.objects.batch_write() as batch:
        batch.put(reused)
    assert [(type(each.error), each.status) for each in batch.result.outcomes] == [
        (PermissionError, "failed")
    ]

    def reusing():
        with Ticket.objects.batch_write() as batch:
            for at in range(2):
                reused.number = f"{key}-{at}"
                batch.put(reused)

    with pytest.raises(ValidationError, match="put another instance"):
        reusing()
    assert sent == []


def test_a_batch_of_which_some_fails_is_not_heard_of_afterwards(engine, do, key, heard):
    do(Ticket.objects.create, number=key)
    heard.clear()
    with pytest.raises(Ticket.AlreadyExists):
        do(Ticket.objects.bulk_create, [Ticket(number=key), Ticket(number=f"{key}-2")])
    assert heard == ["pre_batch_write"]


def test_bulk_paths_call_no_hooks(engine, do, key):
    guests = [Guest(name=f"{key}-{at}") for at in range(2)]
    do(Guest.objects.bulk_create, guests)
    do(Guest.objects.bulk_create, guests, overwrite=True)
    guests[0].visits = 5
    do(Guest.objects.bulk_update, guests, ["visits"])
    do(Guest.objects.bulk_create, guests, update_conflicts=True)
    do(Guest.objects.bulk_delete, guests[:1])
    do(delete_all, guests[1:])
    assert not any(hasattr(guest, "seen") for guest in guests)


def test_saving_many_is_heard_of_before_anything_is_checked_or_sent(do, key, heard, sent):
    @receiver(pre_save, sender=Ticket)
    def spoil(instance, **_):
        if instance.number.endswith("-2"):
            instance.seats = "many"

    tickets = [Ticket(number=f"{key}-{at}") for at in range(3)]
    guest = Guest(name=key)
    with pytest.raises(ValidationError, match="seats"):
        do(save_all, [*tickets, guest])
    assert (heard, guest.seen, sent) == (["pre_save"] * 3, ["before_save", True], [])


def test_who_fails_after_one_of_many_was_saved_is_told_and_the_others_hear(do, key, heard, stored):
    @receiver(post_save, sender=Ticket)
    def fail(instance, **_):
        if instance.number.endswith("-0"):
            raise LookupError("the mail server is away")

    tickets = [Ticket(number=f"{key}-{at}") for at in range(3)]
    with pytest.raises(LookupError, match="away") as raised:
        do(save_all, tickets)
    outcomes = raised.value.done.outcomes
    assert [(each.status, type(each.error)) for each in outcomes] == [
        ("written", LookupError),
        ("written", type(None)),
        ("written", type(None)),
    ]
    assert heard.count("post_save") == 3
    assert all(stored(each) for each in tickets)


def test_what_a_receiver_raises_is_not_taken_for_an_item_that_is_there(do, key, stored):
    @receiver(pre_save, sender=Ticket)
    def audit(instance, **_):
        if instance.number == key:
            Ticket.objects.create(number="audited")

    do(Ticket.objects.batch_write, [{"number": "audited"}], overwrite=True)
    if do.mode == "sync":
        for call in (Ticket.objects.get_or_create, Ticket.objects.update_or_create):
            with pytest.raises(Ticket.AlreadyExists) as raised:
                call(number=key, defaults={"seats": 3})
            assert raised.value.current.number == "audited"
    assert stored(Ticket(number=key)) is None


# -- transactions ----------------------------------------------------------------------------------


def collect(do, block):
    """Run *block* inside a transaction; it is given what saves and deletes."""
    if do.mode == "sync":
        with transaction.atomic():
            block()
        return

    async def main():
        async with transaction.atomic():
            block()

    do.run(main())


def test_in_a_transaction_who_hears_before_does_at_once_and_after_when_it_is_committed(
    do, key, heard, stored
):
    gone = do(Ticket.objects.create, number=f"{key}-0")
    heard.clear()
    during: list[str] = []

    def block():
        Ticket(number=key).save()
        gone.delete()
        during.extend(heard)

    collect(do, block)
    assert during == ["pre_save", "pre_delete"]
    assert heard == [*during, "post_save", "post_delete", "transaction_committed"]
    assert stored(Ticket(number=key)) is not None
    assert stored(gone) is None


def test_what_is_not_committed_is_not_heard_of_afterwards(do, key, heard, stored):
    def block():
        Ticket(number=key).save()
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        collect(do, block)
    assert heard == ["pre_save"]
    assert stored(Ticket(number=key)) is None


# -- reading ---------------------------------------------------------------------------------------


def test_whatever_is_loaded_is_told_of_and_can_be_read(engine, do, key):
    do(Ticket.objects.create, number=key, seats=3)
    seen: list[tuple[str, int]] = []

    @receiver(post_init, sender=Ticket)
    def look(instance, **_):
        seen.append((instance.number, instance.seats))

    do(Ticket.objects.get, number=key)
    do.list(Ticket.objects.filter(number=key))
    do.list(Ticket.objects.filter(number=key).only("number", "seats"))
    do(Ticket.objects.filter(number=key).first)
    do(Ticket.objects.batch_get, key)
    do.list(Ticket.objects.using("default").filter(number=key))
    assert seen == [(key, 3)] * 6
    post_init.disconnect(look)
    do(Ticket.objects.get, number=key)
    assert len(seen) == 6

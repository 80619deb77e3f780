"""Query sets: every item that matches, in order, and no more reading than was asked for."""

from __future__ import annotations

import pytest

from dynamodb_py import (
    BooleanField,
    CharField,
    F,
    FieldNotLoaded,
    GlobalIndex,
    IntegerField,
    ListField,
    LocalIndex,
    Model,
    Q,
    QueryError,
    QuerySet,
    ScanRequired,
    ValidationError,
    options,
)
from dynamodb_py.exceptions import MaxRequestsReached

from ..eventually import eventually


class Score(Model):
    class Meta:
        table_name = "scores"

    player = CharField(name="p", hash_key=True)
    game = IntegerField(name="g", range_key=True)
    wins = IntegerField(name="size")
    late = BooleanField()
    tags = ListField(default=[])

    by_wins = LocalIndex(range_key="wins", projection="keys")


class Title(Model):
    class Meta:
        table_name = "titles"

    player = CharField(hash_key=True)
    title = CharField(range_key=True)
    rank = IntegerField()
    note = CharField()

    by_rank = GlobalIndex(hash_key="title", range_key="rank", projection="keys")


class Single(Model):
    """Without a range key."""

    class Meta:
        table_name = "singles"

    key = CharField(hash_key=True)
    count = IntegerField()


class Whole(Model):
    """Whose table is read as a whole."""

    class Meta:
        table_name = "wholes"

    key = CharField(hash_key=True)
    count = IntegerField()


TABLES = [Score, Title, Single, Whole]
COUNT = 130


@pytest.fixture
def many(engine, client):
    """Write 130 items under one key, of which only the last 30 are late; return the key."""
    table = engine.table_name("scores")
    last = {"p": {"S": "many"}, "g": {"N": str(COUNT - 1)}}
    if "Item" not in client.get_item(TableName=table, Key=last):
        for start in range(0, COUNT, 25):
            puts = [{"PutRequest": {"Item": item(n)}} for n in range(start, min(start + 25, COUNT))]
            client.batch_write_item(RequestItems={table: puts})
    return "many"


def item(game):
    item = {"p": {"S": "many"}, "g": {"N": str(game)}, "size": {"N": str(game % 10)}}
    return item | {"late": {"BOOL": game >= 100}, "tags": {"L": [{"S": "x"}]}}


@pytest.fixture
def scores(many):
    return Score.objects.filter(player=many)


def games(do, rows):
    return [row.game for row in do.list(rows)]


RANGES = [
    ({"game": 7}, [7]),
    ({"game__exact": 7}, [7]),
    ({"game__gt": 126}, [127, 128, 129]),
    ({"game__gte": 127}, [127, 128, 129]),
    ({"game__lt": 3}, [0, 1, 2]),
    ({"game__lte": 2}, [0, 1, 2]),
    ({"game__between": (5, 7)}, [5, 6, 7]),
    ({"game__range": (5, 5)}, [5]),
    ({"game": 500}, []),
]


def test_the_key_narrows_what_is_read(engine, do, sent, scores, many, subtests):
    assert games(do, scores) == list(range(COUNT))
    for lookups, wanted in RANGES:
        with subtests.test(str(lookups)):
            sent.clear()
            rows = scores.filter(**lookups)
            assert games(do, rows) == wanted
            assert games(do, rows.reverse()) == wanted[::-1]
            whole = lookups.keys() & {"game", "game__exact"}
            assert set(sent.calls) == {"GetItem" if whole else "Query"}
            payload = sent.payload(0)
            assert "FilterExpression" not in payload
            if sent.calls[0] == "Query":
                assert " AND " in payload["KeyConditionExpression"]


def test_lookups_and_operators_mix(engine, do, scores, many):
    assert games(do, Score.objects.filter(Score.game > 127, player=many)) == [128, 129]
    assert games(do, Score.objects.filter((Score.player == many) & (Score.game < 2))) == [0, 1]
    assert games(do, Score.objects.filter(F("player") == many, F("game") <= 1)) == [0, 1]
    assert games(do, scores.filter(Score.game.between(1, 2))) == [1, 2]
    assert games(do, scores.filter(game__gt=100).filter(Score.late == False)) == []  # noqa: E712


FILTERS = [
    ({"wins": 3, "game__lt": 30}, [3, 13, 23]),
    ({"wins__ne": 3, "game__lt": 5}, [0, 1, 2, 4]),
    ({"wins__in": [1, 2], "game__lt": 12}, [1, 2, 11]),
    ({"wins__gt": 8, "late": True}, [109, 119, 129]),
    ({"wins__between": (2, 3), "game__lt": 10}, [2, 3]),
    ({"tags__contains": "x", "game__lt": 2}, [0, 1]),
    ({"tags__contains": "y"}, []),
    ({"late__exists": False}, []),
    ({"wins": None}, []),
    ({"wins__in": [None]}, []),
]


def test_filters_on_other_fields_are_applied_by_dynamodb(engine, do, sent, scores, many, subtests):
    for lookups, wanted in FILTERS:
        with subtests.test(str(lookups)):
            sent.clear()
            assert games(do, scores.filter(**lookups)) == wanted
            assert sent.calls == ["Query"]
            assert "FilterExpression" in sent.payload()
    condition = (Score.wins == 1) | (Score.wins == 2) & ~(Score.late == True)  # noqa: E712
    assert games(do, scores.filter(condition, game__gte=99)) == [101, 111, 121]


def test_text_keys_begin_and_sort_by_their_bytes(engine, do, key):
    titles = ["b", "a", "ab", "é", "Z"]
    do(Title.batch_write, [{"player": key, "title": title} for title in titles])
    rows = Title.objects.filter(player=key)
    assert [row.title for row in do.list(rows)] == sorted(titles, key=str.encode)
    assert [row.title for row in do.list(rows.filter(title__startswith="a"))] == ["a", "ab"]
    assert [row.title for row in do.list(rows.filter(Title.title.begins_with("é")))] == ["é"]
    assert [row.title for row in do.list(rows.filter(title__gt="b"))] == ["é"]


def test_a_key_without_a_range_key_is_queried(engine, do, sent, key):
    do(Single.create, key=key, count=1)
    assert [row.count for row in do.list(Single.objects.filter(key=key))] == [1]
    assert do.list(Single.objects.filter(key=key, count__gt=1)) == []
    assert sent.calls[1:] == ["GetItem", "Query"]


SOME_KEYS = 1_200


def test_a_filter_takes_as_many_hash_keys_as_in_bulk(engine, do, sent, many, subtests):
    """One in fifty exists; each is found once, in pages as well."""
    keys = [f"thousand-{number}" for number in range(SOME_KEYS)]
    there = set(keys[::50])
    for model, more in ((Single, {}), (Score, {"game": 1})):
        name = "key" if model is Single else "player"
        do(model.batch_write, [{name: key, **more} for key in there], overwrite=True)
    asked = {
        "whole keys of a hash key": (Single.objects.filter(key__in=keys), "BatchGetItem", 12),
        "whole keys": (Score.objects.filter(player__in=keys, game=1), "BatchGetItem", 12),
        "hash keys": (Score.objects.filter(player__in=keys), "Query", SOME_KEYS),
        "a filter": (Score.objects.filter(player__in=keys, late=None), "Query", SOME_KEYS),
    }
    for what, (rows, api, requests) in asked.items():
        with subtests.test(what):
            sent.clear()
            found = [row.primary_key for row in do.list(rows)]
            assert len(found) == len(there)
            assert {key if isinstance(key, str) else key[0] for key in found} == there
            assert sent.calls == [api] * requests
            assert len(rows.explain().operations) == requests
    hash_keys = Score.objects.filter(player__in=keys)
    assert do(hash_keys.all().count) == len(there)
    found, cursor = [], None
    while cursor is not None or not found:
        page = do(hash_keys.page, size=20, cursor=cursor)
        found += [row.player for row in page]
        cursor = page.next_cursor
    assert sorted(found) == sorted(there)
    with pytest.raises(QueryError, match="at most 1000 are merged"):
        do.list(hash_keys.order_by("game"))


def test_every_page_is_read_the_empty_ones_too(engine, do, sent, scores, many):
    rows = scores.filter(late=True).page_size(10)
    assert games(do, rows) == list(range(100, COUNT))
    assert len(sent) in (13, 14)
    assert sent.calls == ["Query"] * len(sent)
    assert [each.limit for each in sent] == [10] * len(sent)
    assert games(do, rows.reverse()) == list(range(COUNT - 1, 99, -1))
    for page_size in (1, 7, 130, 500):
        assert games(do, scores.page_size(page_size)) == list(range(COUNT))


def test_a_limit_counts_results(engine, do, scores, many, subtests):
    late = scores.filter(late=True)
    for limit in (0, 1, 5, 10, 11, 29, 30, 31, 1000):
        with subtests.test(limit=limit):
            for page_size in (10, 3):
                rows = late.page_size(page_size).limit(limit)
                assert games(do, rows) == list(range(100, min(100 + limit, COUNT)))
            assert games(do, scores.limit(limit)) == list(range(min(limit, COUNT)))
            wanted = list(range(COUNT - 1, 99, -1))[:limit]
            assert games(do, late.reverse().limit(limit)) == wanted


def test_no_more_pages_are_read_than_are_needed(engine, do, sent, scores, many):
    assert games(do, scores.page_size(10).limit(10)) == list(range(10))
    assert sent.calls == ["Query"]
    sent.clear()
    assert games(do, scores.page_size(10).limit(11)) == list(range(11))
    assert sent.calls == ["Query"] * 2
    sent.clear()
    assert do.list(scores.limit(0)) == []
    assert sent == []


def test_first_is_the_first_or_none(engine, do, sent, scores, many):
    assert do(scores.first).game == 0
    assert do(scores.reverse().first).game == 129
    assert do(scores.filter(late=True).page_size(10).first).game == 100
    assert do(scores.filter(wins=77).first) is None
    assert do(scores.limit(5).first).game == 0
    sent.clear()
    assert do(scores.limit(0).first) is None
    assert sent == []


def test_nothing_is_sent_before_it_is_iterated(engine, do, sent, scores, many):
    rows = scores.filter(late=True).reverse().limit(3).page_size(50).consistent()
    assert isinstance(rows, QuerySet)
    rows.explain()
    operation = rows.operation()
    assert (operation.api, operation.limit, operation.forward) == ("Query", 50, False)
    assert sent == []
    assert games(do, rows) == games(do, rows) == [129, 128, 127]


def test_each_step_leaves_the_ones_before_as_they_were(engine, do, scores, many):
    scores.filter(late=True)
    scores.limit(1)
    scores.reverse()
    assert games(do, scores) == list(range(COUNT))


def test_reading_is_consistent_where_that_is_asked(engine, do, sent, scores, many):
    def consistent(rows):
        sent.clear()
        do.list(rows)
        return {each.payload().get("ConsistentRead", False) for each in sent}

    assert consistent(scores.page_size(50)) == {False}
    assert consistent(scores.page_size(50).consistent()) == {True}
    with options(consistent=True):
        assert consistent(scores) == {True}
        assert consistent(scores.consistent(False)) == {False}


def test_what_is_read_can_be_saved(engine, do, key):
    do(Score.create, player=key, game=1, wins=1)
    [score] = do.list(Score.objects.filter(player=key))
    assert score.persisted
    score.wins = 2
    do(score.save)
    assert do(Score.get, key, 1).wins == 2


def test_all_reads_the_whole_table(engine, do, sent):
    keys = {f"k{n}" for n in range(30)}
    do(Whole.batch_write, [{"key": k, "count": 1} for k in keys], overwrite=True)
    sent.clear()
    assert {row.key for row in do.list(Whole.objects.all())} == keys
    assert {row.key for row in do.list(Whole.objects.all().page_size(7))} == keys
    assert set(sent.calls) == {"Scan"}
    assert len(sent) in (1 + 5, 1 + 4)
    assert len(do.list(Whole.objects.all().limit(8).page_size(3))) == 8
    assert do(Whole.objects.all().consistent().first).key in keys
    assert sent.payload()["ConsistentRead"] is True


def test_a_whole_table_is_read_only_where_that_is_asked(engine, do, sent, key):
    for rows in (
        Score.objects.filter(wins=3),
        Score.objects.filter(game=3),
        Score.objects.filter(Score.wins > 1, game__lt=3),
        Score.objects.filter(~(Score.player == key)),
        Score.objects.filter(player__gt=key),
        Score.objects.all().filter(wins=3),
    ):
        with pytest.raises(ScanRequired, match=r"filter by player=\.\.\..*\.scan\(\)"):
            do.list(rows)
        with pytest.raises(ScanRequired):
            do(rows.first)
    assert sent == []


ANSWERED = [
    (lambda rows: rows.filter(game__gt=1, game__lt=5), [2, 3, 4]),
    (lambda rows: rows.filter(game__in=[2, 1, 500]), [1, 2]),
    (lambda rows: rows.filter(game__ne=1, game__lt=4), [0, 2, 3]),
    (lambda rows: rows.filter(player="other"), []),
    (lambda rows: rows.filter(player__startswith="m", game__lt=2), [0, 1]),
    (lambda rows: rows.filter((Score.game == 1) | (Score.game == 5)), [1, 5]),
    (lambda rows: rows.filter(Q(game__lt=2) | Q(game__gt=127)), [0, 1, 128, 129]),
    (lambda rows: rows.filter(wins__in=[]), []),
    (lambda rows: rows.exclude(wins__gt=0).filter(game__lt=30), [0, 10, 20]),
    (lambda rows: rows.none(), []),
    (lambda rows: rows[:2], [0, 1]),
    (lambda rows: rows.order_by("-game")[:2], [129, 128]),
    (lambda rows: rows.order_by("-game").reverse()[:2], [0, 1]),
    (lambda rows: rows.filter(game__lt=2) | rows.filter(game=5), [0, 1, 5]),
    (lambda rows: rows.filter(game__lt=5) & rows.filter(wins__gt=2), [3, 4]),
    (lambda rows: Score.objects.filter(player__in=["many", "other"], game__lt=2), [0, 1]),
    (lambda rows: rows.filter(game__gt=127).union(rows.filter(game__lt=2)), [128, 129, 0, 1]),
    (lambda rows: rows.filter(game__lt=3).union(rows.filter(game__lt=5))[:4], [0, 1, 2, 3]),
]


def test_what_takes_several_conditions_or_requests_is_answered(engine, do, scores, many, subtests):
    for number, (make, wanted) in enumerate(ANSWERED):
        with subtests.test(f"{number}: {wanted}"):
            assert games(do, make(scores)) == wanted
            assert do(make(scores).count) == len(wanted)
            first = do(make(scores).first)
            assert (first and first.game) == (wanted[0] if wanted else None)
            last = do(make(scores).last)
            assert (last and last.game) == (wanted[-1] if wanted else None)
            assert do(make(scores).exists) is bool(wanted)


REFUSED = [
    (lambda rows: rows.filter(Score.game == Score.wins), "cannot be a key condition"),
    (lambda rows: rows.filter(wins__near=3), "unknown lookup 'near': there are exact, eq"),
    (lambda rows: rows.filter(wins__between=3), "pass a list of values"),
    (lambda rows: rows.filter(wins__between=(1, 2, 3)), "pass two, the lower one first"),
    (lambda rows: rows.filter(wins__between=(2, 1)), "swap them"),
    (lambda rows: rows.filter(wins__gt=None), "DynamoDB orders text, numbers and bytes"),
    (lambda rows: rows.filter(tags__gt=[1]), "DynamoDB orders text, numbers and bytes"),
    (lambda rows: rows.limit(-1), "a limit is 0 or more"),
    (lambda rows: rows.page_size(0), "a page has at least one item"),
    (lambda rows: Score.objects.all().reverse(), "a scan has no order"),
]


def test_what_dynamodb_cannot_answer_is_told_before_anything_is_sent(
    engine, do, sent, scores, many, subtests
):
    for number, (make, said) in enumerate(REFUSED):
        with subtests.test(f"{number}: {said}"):
            with pytest.raises(QueryError, match=said) as raised:
                do.list(make(scores))
            assert not isinstance(raised.value, ScanRequired)
    assert sent == []


def test_wrong_names_and_values_are_told(engine, do, sent, scores, many):
    with pytest.raises(TypeError, match="Score has no field nothing"):
        scores.filter(nothing=1)
    with pytest.raises(ValidationError, match="not an int"):
        scores.filter(wins="3")
    with pytest.raises(ValidationError, match="not text"):
        Score.objects.filter(player=3)
    assert sent == []


def test_the_same_condition_twice_is_one(engine, do, scores, many):
    assert games(do, scores.filter(player=many, game=3).filter(game=3)) == [3]


def test_a_key_that_no_item_has_is_refused(engine, do, sent):
    with pytest.raises(ValidationError, match="it is empty"):
        do.list(Score.objects.filter(player=""))
    assert sent == []


# -- rows, parts and pages ------------------------------------------------------------------------


def test_rows_of_values(engine, do, sent, scores, many):
    rows = scores.filter(game__lt=3)
    assert do.list(rows.values("game", "tags__0")) == [
        {"game": n, "tags__0": "x"} for n in range(3)
    ]
    assert do.list(rows.values_list("wins", flat=True)) == [0, 1, 2]
    assert do.list(rows.values_list("game", "late").reverse()) == [(n, False) for n in (2, 1, 0)]
    assert do(rows.values_list("game", named=True).last).game == 2
    assert do.list(rows.as_dicts())[1] == {
        "player": many,
        "game": 1,
        "wins": 1,
        "late": False,
        "tags": ["x"],
    }
    assert ["ProjectionExpression" in sent.payload(at) for at in range(5)] == [True] * 4 + [False]


def test_what_was_not_read_is_not_known(engine, do, stored, key):
    do(Score.create, player=key, game=1, wins=3, late=True)
    [score] = do.list(Score.objects.filter(player=key).only("late"))
    assert (score.player, score.game, score.late) == (key, 1, True)
    with pytest.raises(FieldNotLoaded):
        _ = score.wins
    score.late = False
    do(score.save)
    assert stored(score)["size"] == {"N": "3"}
    with pytest.raises(FieldNotLoaded):
        do(score.save, overwrite=True)
    do(score.refresh_from_db)
    assert (score.wins, score.late) == (3, False)


def test_counting_reads_no_items(engine, do, sent, scores, many):
    late = scores.filter(late=True)
    assert do(late.count) == 30
    assert do(late.page_size(10).count) == 30
    assert do(late.limit(7).count) == 7
    assert do(scores.count) == COUNT
    assert {sent.payload(at).get("Select") for at in range(len(sent))} == {"COUNT"}


def test_pages_go_forth_and_back(engine, do, scores, many, subtests):
    for make in (
        lambda: scores.filter(late=True).page_size(10),
        lambda: scores.filter(late=True),
        lambda: scores.filter(late=True).order_by("-game"),
        lambda: scores.filter(Q(game__lt=10) | Q(game__gte=110)),
        lambda: Score.objects.filter(player__in=[many, "nobody"], late=True).order_by("game"),
    ):
        rows = make()
        wanted = games(do, rows)
        assert len(wanted) == 30
        with subtests.test(repr(rows._question.condition)):
            seen, cursor, cursors = [], None, []
            while True:
                page = do(rows.page, 7, cursor)
                seen += [row.game for row in page]
                assert page.has_previous is (cursor is not None)
                if not page.has_next:
                    break
                assert len(page) == 7
                cursor = page.next_cursor
                cursors.append(page)
            assert seen == wanted
            assert len(page) == 2
            for before in reversed(cursors):
                page = do(rows.page, 7, page.previous_cursor)
                assert [row.game for row in page] == [row.game for row in before]
                assert page.has_next
            assert not page.has_previous


def test_a_walk_is_taken_up_where_it_was_left(engine, do, scores, many):
    late = scores.filter(late=True).page_size(10)
    seen, checkpoint = [], None
    for _ in range(6):
        walk = (late if checkpoint is None else late.after(checkpoint)).iterator()
        for _ in range(5):
            row = next(walk) if do.mode == "sync" else do.run(anext(walk))
            seen.append(row.game)
        checkpoint = walk.checkpoint
        do(walk.close)
    assert seen == list(range(100, COUNT))


def test_few_requests_tell_where_to_go_on(engine, do, scores, many):
    late = scores.filter(late=True).page_size(10)
    with pytest.raises(MaxRequestsReached) as raised:
        do.list(late.max_requests(12))
    assert games(do, late.after(raised.value.cursor)) == list(range(120, COUNT))
    assert games(do, late.max_requests(14)) == list(range(100, COUNT))


def test_one_page_ahead(engine, do, scores, many):
    assert games(do, scores.page_size(20).prefetch()) == list(range(COUNT))
    assert [row.game for row in do.list(scores.page_size(20).prefetch().iterator())] == list(
        range(COUNT)
    )


def test_a_scan_in_segments_reads_everything_once(engine, do, sent, many):
    rows = Score.objects.filter(late=True, player=many).scan(segments=4)
    assert sorted(row.game for row in do.list(rows)) == list(range(100, COUNT))
    assert {each.segment for each in sent} == {(n, 4) for n in range(4)}


def test_a_local_index_gives_the_order_and_keys_only(engine, do, sent, many):
    rows = Score.by_wins.filter(player=many, wins__gte=8).order_by("-wins")
    found = do.list(rows)
    assert [row.wins for row in found] == [9] * 13 + [8] * 13
    assert set(sent.calls) == {"Query"}
    with pytest.raises(FieldNotLoaded):
        _ = found[0].late
    assert [row.late for row in do.list(rows.full()[:3])] == [True] * 3


def test_a_global_index_is_asked_and_completed(engine, do, sent, key):
    notes = {f"{key}-{n}": f"note {n}" for n in range(5)}
    do(
        Title.batch_write,
        [
            {"player": player, "title": key, "rank": rank, "note": note}
            for rank, (player, note) in enumerate(notes.items())
        ],
    )
    rows = Title.by_rank.filter(title=key, rank__gt=0).order_by("-rank")
    eventually(lambda: [row.rank for row in do.list(rows.all())], [4, 3, 2, 1].__eq__)
    with pytest.raises(FieldNotLoaded):
        _ = do(rows.first).note
    assert [row.note for row in do.list(rows.full())] == [f"note {n}" for n in (4, 3, 2, 1)]
    assert "BatchGetItem" in sent.calls
    assert do(rows.count) == 4
    sent.clear()
    with pytest.raises(QueryError, match="consistent"):
        do.list(rows.consistent())
    assert sent == []


def test_in_bulk_and_get(engine, do, scores, many):
    found = do(Score.objects.only("wins").in_bulk, [(many, 3), (many, 500), (many, 14)])
    assert {key: each.wins for key, each in found.items()} == {(many, 3): 3, (many, 14): 4}
    assert do(scores.get, game=7).wins == 7
    assert do(Score.objects.get, many, 7).wins == 7
    with pytest.raises(Score.MultipleObjectsReturned):
        do(scores.get, wins=7)
    with pytest.raises(Score.DoesNotExist):
        do(scores.get, wins=70)


@pytest.mark.parametrize("segments", [1, 3])
def test_a_scan_reports_how_far_it_is_and_ends_with_its_total(engine, do, segments):
    do(Single.batch_write, [Single(key=f"k{n}", count=n) for n in range(60)], overwrite=True)
    told = []
    rows = Single.objects.scan(segments, progress=lambda *each: told.append(each)).page_size(20)
    found = do.list(rows)
    *before, last = told
    assert last == (len(found), len(found))
    assert all(total == 0 or total > done for done, total in before)
    assert [done for done, _ in told] == sorted(done for done, _ in told)

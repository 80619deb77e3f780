"""Verbs and arguments that users of Django look for, on the engines."""

from __future__ import annotations

import pytest

from dynamodb_py import (
    BinaryField,
    CharField,
    DecimalField,
    F,
    GlobalIndex,
    IntegerField,
    LocalIndex,
    Model,
    Q,
    QueryError,
)


class Match(Model):
    class Meta:
        table_name = "vod-matches"

    player = CharField(name="p", hash_key=True)
    at = IntegerField(range_key=True)
    score = IntegerField(required=True)
    note = CharField()
    by_score = LocalIndex(range_key="score")


class Team(Model):
    class Meta:
        table_name = "vod-teams"
        allow_scan = True

    raw = BinaryField(hash_key=True)
    league = CharField(required=True)
    points = DecimalField(required=True)
    by_league = GlobalIndex(hash_key="league", range_key="points")


TABLES = [Match, Team]


@pytest.fixture
def matches(engine, key):
    """Ten matches of one player, of which the scores descend."""
    Match.batch_write([Match(player=key, at=at, score=90 - at * 10, note="x") for at in range(10)])
    return Match.objects.filter(player=key).consistent()


def ats(rows) -> list[int]:
    return [row.at for row in rows]


# -- pk ------------------------------------------------------------------------------------------


def test_pk_gets_filters_and_excludes(matches, key, do, sent):
    sent.clear()
    found = do(Match.objects.get, pk=(key, 3))
    assert found.pk == (key, 3)
    assert [each.api for each in sent] == ["GetItem"]
    assert do(Match.objects.get_or_none, pk=(key, 77)) is None
    with pytest.raises(Match.DoesNotExist):
        do(Match.objects.get, pk=(key, 77))
    some = [(key, 1), (key, 5), (key, 99)]
    assert sorted(ats(do.list(Match.objects.filter(pk__in=some)))) == [1, 5]
    assert ats(do.list(matches.exclude(pk__in=some))) == [0, 2, 3, 4, 6, 7, 8, 9]
    assert ats(do.list(matches.filter(Q(pk=(key, 2)) | Q(pk=(key, 4))))) == [2, 4]
    assert ats(do.list(matches.order_by("-pk")[:2])) == [9, 8]
    assert do(matches.filter(pk=(key, 2), note="y").exists) is False


def test_pk_is_the_key_of_the_verbs_for_one_item(engine, key, do):
    match, created = do(Match.objects.get_or_create, pk=(key, 1), defaults={"score": 1})
    assert (match.at, match.score, created) == (1, 1, True)
    changed, created = do(Match.objects.update_or_create, pk=(key, 1), defaults={"score": 2})
    assert (changed.score, created) == (2, False)
    assert ats(do(Match.objects.batch_get, {"pk": (key, 1)})) == [1]
    do(Match.objects.delete, pk=(key, 1))
    assert do(Match.objects.get_or_none, pk=(key, 1)) is None


def test_pk_of_a_hash_key_alone(engine, key, do):
    raw = key.encode()
    team = do(Team.objects.create, raw=raw, league="a", points=1)
    assert team.pk == raw
    assert do(Team.objects.get, pk=raw) == team
    assert do.list(Team.objects.filter(pk=raw).values_list("pk", flat=True)) == [raw]
    assert do.list(Team.objects.filter(pk__in=[raw, b"none"])) == [team]
    assert do(Team.objects.consistent().in_bulk, [raw]) == {raw: team}


# -- one row -------------------------------------------------------------------------------------


def test_contains_reads_a_key(matches, key, do, sent):
    inside, outside = Match(key, 3), Match(key, 77)
    sent.clear()
    assert do(Match.objects.contains, inside)
    assert not do(Match.objects.contains, outside)
    assert do(Match.objects.contains, (key, 3))
    assert [each.api for each in sent] == ["GetItem"] * 3
    assert do(matches.filter(score__gt=50).contains, inside)
    assert not do(matches.filter(score__gt=70).contains, inside)
    assert not do(matches.filter(player="other").contains, inside)
    assert do(matches.index("by_score").contains, inside)
    assert not do(matches.order_by("-at")[:3].contains, inside)
    assert do(matches[:4].contains, inside)
    assert do(matches.filter(at__lt=3).union(matches.filter(at__gt=2)).contains, inside)
    rows = matches.all()
    do.list(rows)
    sent.clear()
    assert do(rows.contains, inside)
    assert not do(rows.contains, outside)
    assert not sent


def test_the_first_and_the_last_by_a_range_key(matches, do, sent):
    sent.clear()
    assert (do(matches.earliest).at, do(matches.latest).at) == (0, 9)
    assert [each.limit for each in sent] == [1, 1]
    assert (do(matches.earliest, "score").at, do(matches.latest, "score").at) == (9, 0)
    assert (do(matches.earliest, "-score").at, do(matches.latest, "-score").at) == (0, 9)
    by_score = matches.index("by_score")
    assert (do(by_score.earliest).score, do(by_score.latest).score) == (0, 90)
    assert do(matches.reverse().order_by("-at").latest).at == 9
    assert do(matches.filter(at__lt=5).latest, Match.at).at == 4


# -- conditions ----------------------------------------------------------------------------------


def test_an_exclusive_or_and_pairs(matches, do):
    low, odd = Q(("at__lt", 4)), Q(at__in=[1, 3, 5, 7, 9])
    assert ats(do.list(matches.filter(low ^ odd))) == [0, 2, 5, 7, 9]
    assert ats(do.list(matches.filter((Match.score > 60) ^ (F("note") == "x")))) == [
        3,
        4,
        5,
        6,
        7,
        8,
        9,
    ]
    assert ats(do.list(matches.filter(Q(("at", 3), ("score", 60))))) == [3]


# -- places --------------------------------------------------------------------------------------


def test_going_on_after_an_item(matches, key, do, sent):
    third = do(Match.objects.get, key, 3)
    sent.clear()
    assert ats(do.list(matches.after(third)[:2])) == [4, 5]
    assert ats(do.list(matches.after((key, 3)))) == [4, 5, 6, 7, 8, 9]
    assert ats(do.list(matches.after({"player": key, "at": 8}))) == [9]
    assert ats(do.list(matches.reverse().after(third))) == [2, 1, 0]
    assert len(sent) == 4
    assert ats(do.list(matches.order_by("score").after(third))) == [2, 1, 0]
    assert ats(do.list(matches.filter(note="x").after(third)[:2])) == [4, 5]
    assert ats(do.list(matches.after((key, 33)))) == []
    page = do(matches.after(third).page, 4)
    assert ats(page) == [4, 5, 6, 7]
    assert ats(do(matches.page, 4, cursor=page.next_cursor)) == [8, 9]
    assert ats(do.list(matches.after(third).iterator(chunk_size=2))) == [4, 5, 6, 7, 8, 9]


def test_going_on_after_an_item_in_an_index(engine, key, do):
    teams = [Team(raw=f"{key}{at}".encode(), league=key, points=at) for at in range(5)]
    Team.batch_write(teams)
    rows = Team.objects.filter(league=key).order_by("points")
    while do(rows.count) < 5:
        pass
    second = do(Team.objects.get, teams[1].raw)
    assert [int(each.points) for each in do.list(rows.after(second))] == [2, 3, 4]
    found = do.list(Team.objects.only("league").filter(pk=teams[1].raw))[0]
    with pytest.raises(QueryError, match=r"index by_league needs .* has no points"):
        do.list(rows.after(found))
    with pytest.raises(QueryError, match="its league differs from that of this query"):
        do.list(Team.objects.filter(league="none").order_by("points").after(second))


def test_going_on_after_an_item_of_a_scan(engine, key, do):
    Team.batch_write([Team(raw=f"{key}{at}".encode(), league=key, points=at) for at in range(3)])
    rows = Team.objects.all().consistent()
    every = do.list(rows)
    assert do.list(rows.after(every[0])) == every[1:]
    assert do.list(rows.after(every[-1])) == []


def test_chunks_are_the_size_of_pages(matches, do, sent):
    sent.clear()
    assert ats(do.list(matches.iterator(chunk_size=4))) == list(range(10))
    assert [each.limit for each in sent] == [4, 4, 4]


def test_a_batch_size_divides_what_is_written(engine, key, do, sent):
    new = [Match(player=key, at=at, score=1) for at in range(12)]
    do(Match.objects.bulk_create, new, overwrite=True, batch_size=5)
    assert [len(each.writes) for each in sent] == [5, 5, 2]
    do(Match.objects.bulk_create, [Match(player=key, at=99, score=1)], batch_size=25)
    for each in new:
        each.score = 2
    do(Match.objects.bulk_update, new, ["score"], batch_size=5)
    assert {
        each.score for each in do.list(Match.objects.filter(player=key, at__lt=20).consistent())
    } == {2}


def test_defer_none_reads_everything_again(matches, do):
    row = do(matches.only("at").defer(None).first)
    assert row.note == "x"

"""get_or_create() and update_or_create() of related sets, on the engines."""

from __future__ import annotations

from uuid import uuid4

import pytest

from dynamodb_py import (
    AlreadyExists,
    CharField,
    F,
    ForeignKey,
    GlobalIndex,
    IntegerField,
    ManyToManyField,
    Model,
    SoftDelete,
)


class Band(Model):
    class Meta:
        table_name = "ups-bands"

    id = CharField(hash_key=True)
    genres = ManyToManyField("Genre", through="BandGenre", related_name="bands")


class Song(Model):
    """Whose key is its own."""

    class Meta:
        table_name = "ups-songs"

    id = CharField(hash_key=True)
    title = CharField()
    plays = IntegerField(default=0)
    band = ForeignKey(Band, related_name="songs")
    by_band = GlobalIndex(hash_key="band")


class Gig(Model):
    """Whose key begins with the reference."""

    class Meta:
        table_name = "ups-gigs"

    band = ForeignKey(Band, hash_key=True, related_name="gigs")
    day = CharField(range_key=True)
    seats = IntegerField(default=0)


class Poster(SoftDelete):
    class Meta:
        table_name = "ups-posters"

    id = CharField(hash_key=True)
    text = CharField()
    band = ForeignKey(Band, related_name="posters")
    by_band = GlobalIndex(hash_key="band")


class Genre(Model):
    class Meta:
        table_name = "ups-genres"

    word = CharField(hash_key=True)
    note = CharField()


class BandGenre(Model):
    class Meta:
        table_name = "ups-band-genres"

    band = ForeignKey(Band, hash_key=True)
    genre = ForeignKey(Genre, range_key=True)
    by_genre = GlobalIndex(hash_key="genre", range_key="band")


TABLES = [Band, Song, Gig, Poster, Genre, BandGenre]


def fresh() -> str:
    return uuid4().hex[:12]


@pytest.fixture
def band(engine):
    return Band.create(id=fresh())


def test_get_or_create_makes_an_item_that_refers_here(band, do, stored):
    key = fresh()
    song, created = do(band.songs.get_or_create, defaults={"title": "a"}, id=key)
    assert (song.title, song.band, created) == ("a", band, True)
    assert stored(song)["band"] == {"S": band.id}
    again, created = do(band.songs.get_or_create, defaults={"title": "b"}, id=key)
    assert (again.title, again.band_id, created) == ("a", band.id, False)
    assert do(band.songs.get_or_create, pk=key)[1] is False
    other = do(Band.objects.create, id=fresh())
    assert not do(other.songs.contains, song)


def test_update_or_create_changes_the_item_that_refers_here(band, do):
    key = fresh()
    song, created = do(band.songs.update_or_create, defaults={"plays": 1}, id=key)
    assert (song.plays, song.band_id, created) == (1, band.id, True)
    more = {"plays": F("plays") + 1}
    again, created = do(
        band.songs.update_or_create, defaults=more, create_defaults={"plays": 1}, id=key
    )
    assert (again.plays, again.band_id, created) == (2, band.id, False)
    same, created = do(band.songs.update_or_create, create_defaults={"plays": 9}, id=key)
    assert (same.plays, created) == (2, False)
    assert do(band.songs.update_or_create, id=key)[1] is False


def test_an_item_of_another_is_left_alone(band, do, stored, sent):
    other = do(Band.objects.create, id=fresh())
    song = do(other.songs.create, id=fresh(), title="a")
    before = stored(song)
    for verb, options in [
        ("get_or_create", {}),
        ("get_or_create", {"defaults": {"title": "b"}}),
        ("update_or_create", {"defaults": {"title": "b"}}),
        ("update_or_create", {"create_defaults": {"title": "b"}}),
        ("update_or_create", {}),
    ]:
        sent.clear()
        with pytest.raises(AlreadyExists, match="refers to another Band") as caught:
            do(getattr(band.songs, verb), id=song.id, **options)
        assert caught.value.current == song
        assert len(sent) <= 2
    assert stored(song) == before


def test_a_reference_in_the_key_completes_it(band, do):
    gig, created = do(band.gigs.get_or_create, defaults={"seats": 3}, day="monday")
    assert (gig.band_id, gig.day, gig.seats, created) == (band.id, "monday", 3, True)
    gig, created = do(band.gigs.update_or_create, defaults={"seats": 4}, day="monday")
    assert (gig.seats, created) == (4, False)
    other = do(Band.objects.create, id=fresh())
    assert do(other.gigs.get_or_create, day="monday")[1] is True


def test_a_deleted_item_is_not_found(band, do):
    poster = do(band.posters.create, id=fresh(), text="a")
    do(poster.delete)
    with pytest.raises(AlreadyExists):
        do(band.posters.get_or_create, id=poster.id)
    with pytest.raises(AlreadyExists):
        do(band.posters.update_or_create, defaults={"text": "b"}, id=poster.id)


def test_the_reference_is_not_given_again(band):
    with pytest.raises(TypeError, match="band: songs sets it: leave it out"):
        band.songs.get_or_create(id="x", band=band)
    with pytest.raises(TypeError, match="band_id: songs sets it: leave it out"):
        band.songs.update_or_create(id="x", defaults={"band_id": "y"})


def test_many_to_many_adds_what_it_gets_or_makes(band, do):
    word = fresh()
    genre, created = do(band.genres.get_or_create, defaults={"note": "a"}, word=word)
    assert (genre.note, created) == ("a", True)
    assert do(band.genres.contains, genre)
    assert do(band.genres.get_or_create, word=word) == (genre, False)
    other = do(Band.objects.create, id=fresh())
    changed, created = do(other.genres.update_or_create, defaults={"note": "b"}, word=word)
    assert (changed.note, created) == ("b", False)
    assert do(other.genres.contains, genre)
    made, created = do(genre.bands.get_or_create, id=fresh())
    assert created
    assert do(genre.bands.contains, made)

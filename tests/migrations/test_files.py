"""The folder of migrations: numbers, names, what is in the files, new ones."""

from __future__ import annotations

import pytest

from dynamodb_py.exceptions import MigrationError
from dynamodb_py.migrations import RunPython, new
from dynamodb_py.migrations.files import list_files, load_operations

from .models import write


def fill(folder, *names):
    for name in names:
        (folder / name).write_text("", encoding="utf-8")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([], []),
        (["0001_a.py"], [(1, "0001_a")]),
        (["0002_b.py", "0001_a.py"], [(1, "0001_a"), (2, "0002_b")]),
        (["0001_a.py", "__init__.py", "helpers.py", "notes.txt", "1.txt"], [(1, "0001_a")]),
        (["0001_große_städte.py"], [(1, "0001_große_städte")]),
    ],
)
def test_migrations_are_the_numbered_files_in_order(tmp_path, names, found):
    fill(tmp_path, *names)
    assert [(each.number, each.name) for each in list_files(tmp_path)] == found
    assert [(each.number, each.name) for each in list_files(str(tmp_path))] == found


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["0002_b.py"], "there is no migration 0001 before 0002_b; .* bring the file back"),
        (["0001_a.py", "0003_c.py"], "there is no migration 0002 before 0003_c"),
        (["0000_a.py"], "there is no migration 0001 before 0000_a"),
        (["0001_a.py", "0001_b.py"], "0001_a.py and 0001_b.py have the same number: give"),
        (["0001_a.py", "00001_b.py"], "have the same number"),
        (["1_a.py"], "1_a.py: the name of a migration is four digits"),
        (["0001.py"], "the name of a migration is four digits"),
        (["0001-a.py"], "the name of a migration is four digits"),
        (["0001_a b.py"], "rename the file"),
    ],
)
def test_wrong_numbers_and_names_are_refused(tmp_path, names, message):
    fill(tmp_path, *names)
    with pytest.raises(MigrationError, match=message):
        list_files(tmp_path)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(MigrationError, match=r"there is no folder .*: new\("):
        list_files(tmp_path / "none")


def test_the_checksum_is_of_the_text_and_not_of_its_line_ends(tmp_path):
    path = tmp_path / "0001_a.py"
    sums = []
    for text in (b"a = 1\nb = 2\n", b"a = 1\r\nb = 2\r\n", b"a = 1\nb = 3\n"):
        path.write_bytes(text)
        sums += [each.checksum for each in list_files(tmp_path)]
    assert sums[0] == sums[1] != sums[2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"0001_a\.py has no operations: it needs operations = \[\.\.\.\]"),
        ("operations = []", "has no operations"),
        ("operations = None", "has no operations"),
        ("operations = RunPython(print)", "has no operations"),
        (
            "operations = [RunPython(print), 7]",
            "7 in operations is not an operation: give AddIndex",
        ),
        ("operations = [RunPython]", "is not an operation"),
        ("1 / 0", r"0001_a\.py cannot be loaded: ZeroDivisionError"),
        ("import nothing_of_that_name", "cannot be loaded: ModuleNotFoundError"),
        ("operations = [", "cannot be loaded: SyntaxError"),
        ("operations = [RunPython(7)]", r"cannot be loaded: MigrationError\('RunPython\(7\)"),
    ],
)
def test_a_file_without_operations_is_refused(tmp_path, text, message):
    write(tmp_path, "0001_a", text)
    with pytest.raises(MigrationError, match=message):
        load_operations(list_files(tmp_path)[0])


@pytest.mark.parametrize("text", ["[RunPython(print)]", "(RunPython(print),)"])
def test_operations_are_loaded(tmp_path, text):
    write(tmp_path, "0001_a", f"operations = {text}")
    [operation] = load_operations(list_files(tmp_path)[0])
    assert isinstance(operation, RunPython)


def test_new_writes_the_next_file_which_can_be_filled_in(tmp_path):
    folder = tmp_path / "of" / "app"
    assert [new(folder, name).name for name in ("add_by_city", "b")] == [
        "0001_add_by_city.py",
        "0002_b.py",
    ]
    path = folder / "0001_add_by_city.py"
    assert path.read_text("utf-8").startswith('"""Add by city."""\n')
    with pytest.raises(MigrationError, match="has no operations"):
        load_operations(list_files(folder)[0])
    text = path.read_text("utf-8").replace("operations = [", "operations = [RunPython(print),")
    path.write_text(text, "utf-8")
    assert len(load_operations(list_files(folder)[0])) == 1


@pytest.mark.parametrize("name", ["", "a b", "a-b", "../a", "a.py"])
def test_new_refuses_what_is_no_name(tmp_path, name):
    with pytest.raises(MigrationError, match="give letters, digits and _"):
        new(tmp_path / "m", name)
    assert not (tmp_path / "m").exists()


def test_new_does_not_hide_wrong_numbers(tmp_path):
    fill(tmp_path, "0002_b.py")
    with pytest.raises(MigrationError, match="no migration 0001"):
        new(tmp_path, "c")

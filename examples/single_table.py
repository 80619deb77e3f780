"""Projects, their members and their tasks in one table: one request reads everything that belongs to a project.

======= ================== ============================ ==================== =========
Item    pk                 sk                           gsi1pk               gsi1sk
======= ================== ============================ ==================== =========
Project PROJECT#{project}  PROJECT
Member  PROJECT#{project}  MEMBER#{user}                USER#{user}          {project}
Task    PROJECT#{project}  TASK#{number:06d}
======= ================== ============================ ==================== =========
"""

from __future__ import annotations

from dynamodb_py import CharField, GlobalIndex, IntegerField, Model, SharedTable, transaction


class Workspace(SharedTable):
    class Meta:
        table_name = "workspace"

    pk = CharField(hash_key=True)
    sk = CharField(range_key=True)
    gsi1pk = CharField()
    gsi1sk = CharField()
    by_user = GlobalIndex(hash_key="gsi1pk", range_key="gsi1sk")


class Project(Model):
    class Meta:
        table = Workspace
        keys = {"pk": "PROJECT#{project}", "sk": "PROJECT"}

    project = CharField()
    title = CharField(required=True)
    tasks = IntegerField(default=0)


class Member(Model):
    class Meta:
        table = Workspace
        keys = {
            "pk": "PROJECT#{project}",
            "sk": "MEMBER#{user}",
            "gsi1pk": "USER#{user}",
            "gsi1sk": "{project}",
        }

    project = CharField()
    user = CharField(required=True, min_length=1)
    role = CharField(default="reader", choices=["owner", "writer", "reader"])


class Task(Model):
    class Meta:
        table = Workspace
        keys = {"pk": "PROJECT#{project}", "sk": "TASK#{number:06d}"}

    project = CharField()
    number = IntegerField()
    text = CharField(required=True)


def open_project(project: str, title: str, owner: str) -> Project:
    """Create a project and its owner, both or neither."""
    with transaction.atomic():
        made = Project.create(project=project, title=title)
        Member.create(project=project, user=owner, role="owner")
    return made


def add_task(project: Project, text: str) -> Task:
    """Add a task with the next number: an UpdateItem and a PutItem."""
    project.incr(tasks=1)
    return Task.create(project=project.project, number=project.tasks, text=text)


def show_board(project: str) -> str:
    """Return a project, its members and its tasks as text: one Query."""
    board = Workspace.collection(pk=f"PROJECT#{project}")
    members = ", ".join(f"{each.user} ({each.role})" for each in board.of(Member))
    tasks = [f"{each.number}. {each.text}" for each in board.of(Task)]
    return "\n".join([f"{board.one(Project).title}: {members}", *tasks])


def list_projects(user: str) -> list[str]:
    """Return the projects of a user: one Query of the index."""
    return [each.project for each in Member.objects.filter(user=user)]

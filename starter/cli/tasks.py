"""Work for people."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console

from starter.cli.cases import listed
from starter.cli.edge import By, Commands, Json, cell, show
from starter.cli.perform import report


def register(app: Commands) -> None:
    """Add the commands of this module."""
    task = Commands("One task: show, done.")
    app.add_typer(task, name="task")

    @app.command()
    def tasks(
        owner: Annotated[str, typer.Option("--owner", help="clerk, supervisor, manager, lawyer")] = "",
        overdue: Annotated[bool, typer.Option("--overdue", help="only what is past its day")] = False,
        limit: Annotated[int, typer.Option("--limit", min=1, help="the most urgent of each")] = 200,
        as_json: Json = False,
    ) -> None:
        """List open work: tasks, and approvals that wait for a word."""
        from starter import reports
        from starter.installation import installation

        with installation() as house:
            found = reports.tasks(house, owner, overdue, limit)

        def render(console: Console) -> None:
            names = {"id": "pendência", "case": "caso", "kind": "tipo", "owner": "responsável", "due": "até"}
            names |= {"details": "detalhes", "caution": "não ligar agora"}
            console.print(listed("Pendências", names, [_in_words(task) for task in found["tasks"]]))
            names = {"id": "aprovação", "case": "caso", "purpose": "para", "role": "papel", "amount": "valor"}
            console.print(listed("Aprovações", names | {"due": "até", "costs": "custo antecipado"}, found["approvals"]))

        show(found, as_json, render)

    @task.command("show")
    def one(
        task_id: Annotated[str, typer.Argument(metavar="ID", help="task id or its beginning")], as_json: Json = False
    ) -> None:
        """Show a task; of a call the script, the numbers, why not to call now, and the outcomes to log."""
        from starter import tasks as work

        found = work.show(task_id)
        show(found, as_json, lambda console: _print(console, found))

    @task.command()
    def done(
        task_id: Annotated[str, typer.Argument(metavar="ID", help="task id or its beginning")],
        outcome: Annotated[str, typer.Option("--outcome", metavar="WORD", help="short, like reached or no-answer")],
        by: By, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Finish a task."""
        from starter import tasks as work

        answer = work.finish(task_id, outcome, by)
        if answer:
            report([answer], as_json)
        else:
            show({"status": "done", "case": None}, as_json, lambda console: console.print("feito"))


def _print(console: Console, task: dict[str, Any]) -> None:
    console.print(f"Pendência {task['id']} · {task['kind']} {task['step']} · {task['owner']}, até {cell(task['due'])}")
    if task["caution"]:
        console.print(f"NÃO LIGAR AGORA: {_CAUTIONS[task['caution']]}")
    if not task["script"]:
        console.print("; ".join(task["details"]))
        return
    console.print(f"Telefones: {', '.join(task['phones']) or 'nenhum que possa ser usado'}\n")
    console.print(task["script"], soft_wrap=True)
    console.print(f"Registre: regua log {str(task['case'])[:8]} call RESULTADO --by USUÁRIO")
    rows = [{"outcome": word, "means": means} for word, means in task["outcomes"].items()]
    console.print(listed("Resultados", {"outcome": "resultado", "means": "significa"}, rows))


_CAUTIONS = {
    "block-list": "lista de bloqueio",
    "opted-out": "não quer ligações",
    "outside-hours": "fora do horário",
    "over-caps": "limite de contatos",
}


def _in_words(task: dict[str, Any]) -> dict[str, Any]:
    return task | {"caution": _CAUTIONS.get(task["caution"], "")}

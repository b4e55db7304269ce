"""Master data: creditors, staff, ways to reach a debtor, opt-outs, ladders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from starter.cli.cases import listed
from starter.cli.edge import By, CaseId, Commands, Creditor, From, Json, ManyCases, Reason, show
from starter.cli.perform import perform, print_outcomes, say_refused

if TYPE_CHECKING:
    from starter.contacts import Changed

Channel = Annotated[str, typer.Argument(metavar="CHANNEL", help="email, sms, whatsapp, voice, call")]
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="e-mail address or phone number")]
OptChannel = Annotated[str, typer.Option("--channel", help="electronic (all but the letter), letter, email, sms, …")]


def register(app: Commands) -> None:
    """Add the commands of this module."""
    creditors(app)
    users(app)
    contacts(app)
    policies(app)
    loads(app)


def creditors(app: Commands) -> None:
    """Who is owed."""
    creditor = Commands("Creditors: add, list.")
    app.add_typer(creditor, name="creditor")

    @creditor.command()
    def add(
        file: Annotated[Path, typer.Argument(metavar="FILE", help="YAML")],
        by: Annotated[str, typer.Option("--by", metavar="STAFF", help="who asks, where money or powers change")] = "",
        as_json: Json = False,
    ) -> None:  # fmt: skip
        """Add a creditor from a YAML file, or change the one with the same code.

        What says where money goes, or who may sign, changes only after a second person's `approve`.
        """
        import policies
        from starter.creditor_changes import change_creditor
        from starter.creditors import read_creditor
        from starter.installation import installation

        given = read_creditor(file, policies.DIRECTORY)
        with installation() as house:
            saved = change_creditor(house.engine, given, house.now, by)
        made = {"id": saved.id, "code": given.code, "name": given.name}
        waits = {"waits": saved.waits, "approval": saved.approval} if saved.waits else {}

        def render(console: Console) -> None:
            console.print(f"guardado: credor {given.code}, {given.name}")
            if saved.waits:
                console.print(f"aguarda aprovação de outra pessoa: {', '.join(saved.waits)} ({saved.approval})")

        show(made | waits, as_json, render)

    @creditor.command("list")
    def list_(as_json: Json = False) -> None:
        """List the creditors."""
        from starter import masterdata

        found = masterdata.creditors()
        names = {"code": "código", "name": "nome", "document": "documento", "open_cases": "casos abertos"}
        show(found, as_json, lambda console: console.print(listed("Credores", names, found)))


def users(app: Commands) -> None:
    """Who may act."""
    user = Commands("Staff: add, list.")
    app.add_typer(user, name="user")

    @user.command()
    def add(
        staff_id: Annotated[str, typer.Argument(metavar="ID", help="small letters, like ana.costa")],
        name: Annotated[str, typer.Option("--name")],
        role: Annotated[list[str], typer.Option("--role", help="clerk, supervisor, manager, lawyer; may be repeated")],
        limit: Annotated[str, typer.Option("--limit", metavar="REAIS", help="largest amount to approve")] = "0",
        as_json: Json = False,
    ) -> None:
        """Add a staff member and print the personal token, which is shown this once."""
        from starter import masterdata

        made = masterdata.add_user(staff_id, name, role, limit)
        show(made, as_json, lambda console: console.print(f"guardado: {staff_id}\nREGUA_TOKEN={made['token']}"))

    @user.command("list")
    def list_(as_json: Json = False) -> None:
        """List the staff."""
        from starter import masterdata

        found = masterdata.users()
        names = {"id": "usuário", "name": "nome", "roles": "papéis", "limit": "alçada", "active": "ativo"}
        show(found, as_json, lambda console: console.print(listed("Usuários", names, found)))


def contacts(app: Commands) -> None:
    """How a debtor can be reached, and how not."""
    contact = Commands("Ways to reach a debtor: add, verify, invalid, prefer.")
    app.add_typer(contact, name="contact")

    @contact.command()
    def add(
        case: CaseId, by: By,
        channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="email, sms, …, or address")],
        address: Annotated[str, typer.Argument(metavar="[ADDRESS]", help="e-mail address or phone number")] = "",
        street: Annotated[str, typer.Option("--street", help="street and number")] = "",
        district: Annotated[str, typer.Option("--district")] = "",
        city: Annotated[str, typer.Option("--city")] = "",
        uf: Annotated[str, typer.Option("--uf")] = "",
        cep: Annotated[str, typer.Option("--cep")] = "",
        origin: Annotated[str, typer.Option("--source", help="where it comes from")] = "staff",
        creditor: Creditor = "", as_json: Json = False,
    ) -> None:  # fmt: skip
        """Add a way to reach the debtor; `contact add ID address --street …` corrects his postal address."""
        from starter import contacts

        where = {"street": street, "district": district, "city": city, "uf": uf, "cep": cep}
        _changed(contacts.add(case, creditor, channel, address, where, origin, by), as_json)

    @contact.command()
    def verify(
        case: CaseId, channel: Channel, address: Address, by: By, creditor: Creditor = "", as_json: Json = False
    ) -> None:
        """A known address is right: it is used again."""
        from starter import contacts

        _changed(contacts.mark(case, creditor, channel, address, "usable", by), as_json)

    @contact.command()
    def invalid(
        case: CaseId, channel: Channel, address: Address, by: By, creditor: Creditor = "", as_json: Json = False
    ) -> None:
        """A known address is wrong: it is not used any more."""
        from starter import contacts

        _changed(contacts.mark(case, creditor, channel, address, "invalid", by), as_json)

    @contact.command()
    def prefer(
        case: CaseId, channel: Channel, address: Address, by: By,
        hours: Annotated[str, typer.Option("--hours", metavar="HH:MM-HH:MM", help="his local hours for it")] = "",
        no_more: Annotated[bool, typer.Option("--no-more", help="he has no wish any more")] = False,
        creditor: Creditor = "", as_json: Json = False,
    ) -> None:  # fmt: skip
        """The debtor asked to be contacted here: it comes first wherever his ladder and the law allow it."""
        from starter import contacts

        _changed(contacts.prefer(case, creditor, channel, address, "any" if no_more else hours, by), as_json)

    @app.command("opt-out")
    def opt_out(
        case: CaseId, by: By, channel: OptChannel = "electronic", creditor: Creditor = "", as_json: Json = False
    ) -> None:
        """The debtor wants no more contact on a channel: in all his cases."""
        from starter import contacts

        _changed(contacts.opt(case, creditor, channel, out=True, by=by), as_json)

    @app.command("opt-in")
    def opt_in(
        case: CaseId, by: By, channel: OptChannel = "electronic", creditor: Creditor = "", as_json: Json = False
    ) -> None:
        """The debtor allows contact on a channel again: in all his cases."""
        from starter import contacts

        _changed(contacts.opt(case, creditor, channel, out=False, by=by), as_json)


def _changed(changed: Changed, as_json: bool) -> None:
    def render(console: Console) -> None:
        console.print(f"guardado: {changed.channel}")
        print_outcomes(console, changed.cases)

    show(changed, as_json, render)
    say_refused(changed.cases)


def policies(app: Commands) -> None:
    """Ladders."""
    policy = Commands("Ladders: check, migrate.")
    app.add_typer(policy, name="policy")

    @policy.command()
    def check(file: Annotated[Path, typer.Argument(metavar="FILE", help="YAML")], as_json: Json = False) -> None:
        """Check a policy file: every fault, and what this version passes over."""
        from starter import masterdata

        found = masterdata.check_policy(file)
        names = {"step": "passo", "at": "quando", "do": "ação", "by": "canais", "passed_over": "não feito nesta versão"}
        title = f"{found['title']} ({found['policy']}): em ordem"
        show(found, as_json, lambda console: console.print(listed(title, names, found["steps"])))

    @policy.command()
    def migrate(
        by: By, case: ManyCases = None,
        file: Annotated[Path | None, typer.Argument(metavar="FILE", help="YAML")] = None,
        ladder: Annotated[Path | None, typer.Option("--policy", metavar="FILE", help="with --from: the ladder")] = None,
        reason: Reason = None, creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Move a case to another ladder. Needs --reason."""
        from starter import deeds, masterdata

        wanted = file or ladder
        if wanted is None:
            raise typer.BadParameter("give the FILE of the new ladder")
        make = deeds.migrate(masterdata.pin_policy(wanted))
        columns = {"motivo": reason}
        perform(make, columns, case=case, creditor=creditor, by=by, source=source, as_json=as_json)


def loads(app: Commands) -> None:
    """What the world publishes."""
    load = Commands("What the world publishes: index, block-list, holidays.")
    app.add_typer(load, name="load")

    @load.command()
    def index(
        file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV: series, month, percent, source")],
        dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would change, and change nothing")] = False,
        as_json: Json = False,
    ) -> None:
        """Take in published values of IPCA, legal rate or Selic; the same file again changes nothing."""
        from starter import indices

        found = indices.load(file, dry_run=dry_run)
        show(found, as_json, lambda console: _print_loaded(console, found))

    @load.command("block-list")
    def block_list(
        file: Annotated[
            Path, typer.Argument(metavar="FILE", help="CSV: uf, document, phone, registered_on, until, source")
        ],
        full: Annotated[bool, typer.Option("--full", help="who is missing has left the lists of these states")] = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would change, and change nothing")] = False,
        as_json: Json = False,
    ) -> None:
        """Take in a Procon's block list: who is on it gets e-mail and letters only."""
        from starter import published

        found = published.load_block_list(file, full=full, dry_run=dry_run)
        show(found, as_json, lambda console: _print_rows(console, found))

    @load.command()
    def holidays(
        file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV: place (BR, UF, IBGE code), day, name, source")],
        dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would change, and change nothing")] = False,
        as_json: Json = False,
    ) -> None:
        """Take in days off of a country, state or municipality: nobody is contacted there then."""
        from starter import published

        found = published.load_holidays(file, dry_run=dry_run)
        show(found, as_json, lambda console: _print_rows(console, found))


def _print_rows(console: Console, found: dict[str, Any]) -> None:
    done = "seriam guardados" if found["dry_run"] else "guardados"
    left = f", {found['left']} saíram da lista" if "left" in found else ""
    console.print(f"{done}: {found['added']} novos, {found['changed']} alterados, {found['unchanged']} iguais{left}")


def _print_loaded(console: Console, found: dict[str, Any]) -> None:
    done = "seriam guardados" if found["dry_run"] else "guardados"
    counts = f"{found['added']} novos, {len(found['changed'])} alterados, {found['unchanged']} iguais"
    console.print(f"{done}: {counts}")
    if found["changed"]:
        names = {"series": "série", "month": "mês", "was": "antes (%)", "percent": "agora (%)", "source": "fonte"}
        console.print(listed("Valores que mudaram", names, found["changed"]))

"""`hemline explain | replay | why-not | what-if TOKEN` and `hemline preview`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hemline.model.decision import PageContext
    from hemline.usecases.receipts.receipts import DecisionInputs

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object.")]
Token = Annotated[str, typer.Argument(help="The token of a fragment.")]
Visitor = Annotated[
    str, typer.Option(help="The visitor or user (v:… or u:…), if the archive does not know them.")
]
RequestFile = Annotated[
    Path | None,
    typer.Option(
        "--request",
        exists=True,
        dir_okay=False,
        help="The request, when the token could not hold it.",
    ),
]
Expired = Annotated[
    bool, typer.Option("--expired", help="Accept an expired token, while its data is still stored.")
]


def register(app: typer.Typer) -> None:
    """Hang the commands on the app."""
    app.command("explain")(explain)
    app.command("replay")(replay)
    app.command("why-not")(why_not)
    app.command("what-if")(what_if)
    app.command("preview")(preview)


def explain(  # noqa: PLR0913 - a command's options are its arguments
    token: Token,
    *,
    visitor: Visitor = "",
    request: RequestFile = None,
    expired: Expired = False,
    everything: Annotated[bool, typer.Option("--all", help="Every candidate.")] = False,
    as_json: AsJson = False,
) -> None:
    """Explain a fragment: facts, candidates, rules, scores."""
    from hemline.usecases.receipts import explain as usecase
    from workbench.receipts import locate, tables

    found = usecase.explain(locate.decision_inputs(token, visitor, request, expired=expired))
    if as_json:
        _print_json(found)
    else:
        tables.explained(found, tables.console(), everything=everything)


def replay(  # noqa: PLR0913 - a command's options are its arguments
    token: Annotated[str, typer.Argument(help="The token of a fragment.")] = "",
    *,
    visitor: Visitor = "",
    request: RequestFile = None,
    expired: Expired = False,
    everything: Annotated[
        bool, typer.Option("--all", help="In a sandbox site: decide, then replay every receipt.")
    ] = False,
    decisions: Annotated[int, typer.Option(min=1, help="With --all: how many.")] = 10_000,
    data: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="With --all: RankLens or Online Retail."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="With --all: another draw.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Decide again from a receipt. Exit status 1, with the differences, unless the bytes are equal."""
    if everything == bool(token):
        raise typer.BadParameter("Name a TOKEN, or use --all.")
    if everything:
        _replay_all(decisions, data, seed, as_json=as_json)
    else:
        from workbench.receipts import locate

        _replay_one(
            locate.decision_inputs(token, visitor, request, expired=expired), as_json=as_json
        )


def _replay_one(inputs: "DecisionInputs", *, as_json: bool) -> None:
    from hemline.usecases.receipts.replay import replay as again
    from workbench.receipts import tables

    found = again(inputs)
    if as_json:
        _print_json({"equal": not found.differences, "differences": found.differences})
    elif found.differences:
        tables.differences(found.differences, tables.console())
    else:
        print(f"the same bytes again: {found.token.slot}, {len(found.fragment.body)} bytes")
    raise typer.Exit(1 if found.differences else 0)


def _replay_all(decisions: int, data: Path | None, seed: int, *, as_json: bool) -> None:
    from rich.console import Console
    from rich.progress import Progress

    from workbench.receipts.replay_all import replay_all

    with Progress(console=Console(stderr=True), disable=as_json) as bar:
        task = bar.add_task("deciding and replaying", total=2 * decisions)
        result = replay_all(decisions, data, seed, lambda: bar.advance(task))
    if as_json:
        _print_json(result)
    else:
        print("\n".join(result.lines()))
    raise typer.Exit(0 if result.equal == result.decisions else 1)


def why_not(
    token: Token,
    item: Annotated[str, typer.Argument(help="An item's id; in other slots a variant or section.")],
    *,
    visitor: Visitor = "",
    request: RequestFile = None,
    as_json: AsJson = False,
) -> None:
    """Show the first reason why an item, variant or section is not shown, or its rank and score gap."""
    from hemline.usecases.receipts import explain as usecase
    from workbench.receipts import locate, tables

    found = usecase.why_not(locate.decision_inputs(token, visitor, request), item)
    if as_json:
        _print_json(found)
    else:
        print(tables.why_not(found))


def what_if(  # noqa: PLR0913 - a command's options are its arguments
    token: Token,
    *,
    replaced: Annotated[
        list[str] | None, typer.Option("--set", help="FACT=VALUE, such as trait.country=DE.")
    ] = None,
    rule: Annotated[list[str] | None, typer.Option(help="off:NAME switches a rule off.")] = None,
    visitor: Visitor = "",
    request: RequestFile = None,
    as_json: AsJson = False,
) -> None:
    """Decide again with facts replaced or rules switched off, and show what differs."""
    from hemline.usecases.receipts import what_if as usecase
    from workbench.receipts import changes, locate, tables

    change, off = changes.changes(replaced or []), changes.rules_off(rule or [])
    if not (change or off):
        raise typer.BadParameter("Change something: --set FACT=VALUE or --rule off:NAME.")
    found = usecase.what_if(locate.decision_inputs(token, visitor, request), change, off)
    if as_json:
        sides = {"then": usecase.shown(found.then), "now": usecase.shown(found.now)}
        _print_json({**sides, "differs": found.differs, "unread": found.unread})
    else:
        tables.what_if(found, tables.console())


def preview(  # noqa: PLR0913 - a command's options are its arguments
    slots: Annotated[list[str] | None, typer.Argument(help="Show these slots.")] = None,
    *,
    visitor: Annotated[str, typer.Option(help="A visitor's id, or u:NAME of a user.")] = "",
    segment: Annotated[
        list[str] | None, typer.Option(help="As a visitor in this segment of the site file.")
    ] = None,
    country: Annotated[str, typer.Option(help="Such as DE.")] = "",
    device: Annotated[str, typer.Option(help="mobile, tablet or desktop.")] = "",
    language: Annotated[str, typer.Option(help="Such as de.")] = "",
    region: Annotated[str, typer.Option(help="The country's own code, such as ENG.")] = "",
    place: Annotated[str, typer.Option(help="LATITUDE,LONGITUDE.")] = "",
    time_zone: Annotated[str, typer.Option(help="Such as Europe/London.")] = "",
    at: Annotated[
        str, typer.Option(help="The time to decide for, such as '2026-12-24 18:00' (UTC).")
    ] = "",
    page_type: Annotated[str, typer.Option(help="With SLOTS: the page's type.")] = "",
    item: Annotated[str, typer.Option(help="With SLOTS: the page's item.")] = "",
    category: Annotated[str, typer.Option(help="With SLOTS: the page's category.")] = "",
    cart: Annotated[str, typer.Option(help="With SLOTS: ids in the cart: a,b,c.")] = "",
    minutes: Annotated[
        int, typer.Option(min=1, max=1440, help="How long the header is valid.")
    ] = 60,
    as_json: AsJson = False,
) -> None:
    """Mint a Hemline-Preview header; with slots, show them as that visitor or segment sees them."""
    from hemline.model.decision import PageContext
    from hemline.runtime.fragments.preview import mint
    from workbench import laptop, stores
    from workbench.receipts.preview_pass import PreviewOptions, pass_for

    who = (visitor, country, device, language, region, place, time_zone, at, tuple(segment or ()))
    held = pass_for(PreviewOptions(*who), minutes)
    stack = laptop.running()
    header = mint(held, stores.secrets(stack))
    if slots:
        ids = tuple(filter(None, cart.split(",")))
        page = PageContext(page_type, item=item or None, category=category or None, cart=ids)
        _show_preview(stack.gateway, header, slots, page, as_json=as_json)
    elif as_json:
        _print_json({"header": "Hemline-Preview", "value": header, "until": held.until})
    else:
        print(f"Hemline-Preview: {header}")


def _show_preview(
    gateway: str, header: str, slots: list[str], page: "PageContext", *, as_json: bool
) -> None:
    import msgspec

    from hemline.usecases.receipts.explain import Explained
    from workbench.receipts import preview_client, tables

    found = preview_client.fetch_preview(gateway, header, slots, page)
    if as_json:
        _print_json(found)
        return
    for told in msgspec.convert(found["explain"], dict[str, Explained]).values():
        tables.explained(told, tables.console(), everything=False)


def _print_json(value: object) -> None:
    import msgspec

    print(msgspec.json.encode(value).decode())

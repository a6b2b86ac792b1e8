"""`hemline unmerge`, `identity show`, `token`: who is one person, taking that back, signing in by hand."""

import secrets
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hemline.model.durations import DAY_SECONDS

if TYPE_CHECKING:  # heavy at run time: each command imports what it uses
    from hemline.usecases.people.account import AccountDeps
    from workbench.laptop import Running

AsJson = Annotated[bool, typer.Option("--json", help="As one JSON object.")]
Visitor = Annotated[str, typer.Argument(help="The visitor's id, with or without v:.")]
User = Annotated[str, typer.Argument(help="The user's id, with or without u:.")]


def register(app: typer.Typer) -> None:
    """Hang the commands on the app."""
    app.command()(unmerge)
    app.command()(token)
    group = typer.Typer(help="What is kept of one person, and who is one with them.")
    group.callback()(_identity)
    group.command("show")(show)
    app.add_typer(group, name="identity", no_args_is_help=True)


def _identity() -> None:
    """What is kept of one person, and who is one with them."""


def unmerge(visitor: Visitor, user: User, *, as_json: AsJson = False) -> None:
    """Make a visitor and a user two people again: both profiles come back exactly, and for good."""
    from hemline.usecases.people.account import unlink_device
    from workbench import laptop
    from workbench.people.naming import USER, VISITOR, bare

    visitor, user = bare(visitor, VISITOR, field="VISITOR"), bare(user, USER, field="USER")
    unlink_device(visitor, user, _deps(laptop.running()), time.time_ns() // 1_000_000)
    if as_json:
        _print_json({"visitor": visitor, "user": user, "merged": False})
        return
    print("two people again; a sign-in on that device makes a new visitor of it")


def token(
    user: User,
    *,
    seconds: Annotated[
        int, typer.Option(min=1, max=DAY_SECONDS, help="How long it is good for.")
    ] = 3600,
    as_json: AsJson = False,
) -> None:
    """A user token as the site's server would sign it, for `Authorization: Bearer`."""
    from hemline.model.user_token import keys_of, mint_user_token
    from workbench import laptop
    from workbench.people.naming import USER, bare

    stack, user = laptop.running(), bare(user, USER, field="USER")
    key = keys_of(stack.user_keys)[0]
    text = mint_user_token(user, key, int(time.time()), seconds=seconds, site=stack.site)
    if as_json:
        _print_json({"user": user, "seconds": seconds, "token": text})
        return
    print(text)


def show(
    name: Annotated[str, typer.Argument(help="v:VISITOR or u:USER.")], *, as_json: AsJson = False
) -> None:
    """Links, consent and what is kept of one person, for whoever has to answer them."""
    from hemline.usecases.people.account import AccountCaller, described
    from workbench import laptop
    from workbench.people.naming import VISITOR, subject_of

    subject = subject_of(name)
    person = (
        AccountCaller(subject[2:], None)
        if subject[:2] == VISITOR
        else AccountCaller(None, subject[2:])
    )
    found = described(person, _deps(laptop.running()), time.time_ns() // 1_000_000)
    if as_json:
        _print_json(found)
        return
    _tell(found)


def _tell(found: dict[str, Any]) -> None:
    links, profile, consent = found["links"], found["profile"], found["consent"]
    print(found["subject"])
    for what in ("visitors", "users", "taken_back"):
        for other in links.get(what, ()):
            print(f"  {what.replace('_', ' ')}: {other}")
    for purpose, told in consent["purposes"].items():
        print(f"  {purpose}: {'yes' if told['allowed'] else 'no'} ({told['because']})")
    actions = sum(map(len, profile["actions"].values()))
    print(f"  {actions} actions kept, last seen {_when(profile['last_seen'])}")
    if found["forgotten_until"]:
        print(f"  forgotten until {_when(found['forgotten_until'])}")


def _when(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ") if ms else "never"


def _deps(stack: "Running") -> "AccountDeps":
    from hemline.usecases.people.account import AccountDeps
    from workbench import stores

    return AccountDeps(
        stack.site,
        stores.table(stack),
        stores.objects(stack),
        stores.stream(stack),
        lambda: secrets.token_urlsafe(16),
        stack.policy,
        time.monotonic,
    )


def _print_json(value: object) -> None:
    import msgspec

    print(msgspec.json.encode(value).decode())

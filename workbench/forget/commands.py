"""`hemline forget`, `sweep` and `verify-forgotten`: forget a person, and check that nothing is left."""

import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # heavy at run time: each command imports what it uses
    from hemline.usecases.people.forget_archive import Swept
    from hemline.usecases.people.forget_person import Forgotten
    from workbench.forget.scan import ScanMatch
    from workbench.forget.verify import ForgottenVerdict

AsJson = Annotated[bool, typer.Option("--json", help="Figures as one JSON object.")]
Id = Annotated[str, typer.Argument(help="v:VISITOR or u:USER, or the id alone.")]


def register(app: typer.Typer) -> None:
    """Hang the commands on the app."""
    app.command()(forget)
    app.command()(sweep)
    app.command("verify-forgotten")(verify_forgotten)


def forget(
    name: Id,
    *,
    user: Annotated[
        bool, typer.Option("--user", help="The id is a user's; all linked devices too.")
    ] = False,
    visitor: Annotated[bool, typer.Option("--visitor", help="The id is one device's.")] = False,
    as_json: AsJson = False,
) -> None:
    """Forget a person. Every reader stops at once; `hemline sweep` then removes the stored bytes.

    Exit status 1 when the id is unknown; it is forgotten all the same.
    """
    from hemline.usecases.people.forget_person import forget as run
    from workbench import laptop
    from workbench.forget.places import forget_deps, known

    stack, subject = laptop.running(), _subject(name, user=user, visitor=visitor)
    before = known(stack, subject)
    done = run(stack.site, subject, forget_deps(stack), _now())
    _tell_forgotten(done, known=before, as_json=as_json)
    if not before:
        raise typer.Exit(1)


def _subject(name: str, *, user: bool, visitor: bool) -> str:
    from hemline.model.errors import BadInput
    from workbench.people.naming import USER, VISITOR, subject_of

    if user and visitor:
        raise BadInput("ID", "cannot be a user's and a visitor's.", "Say --user or --visitor.")
    return subject_of(name, USER * user + VISITOR * visitor)


def _tell_forgotten(done: "Forgotten", *, known: bool, as_json: bool) -> None:
    others = len(done.subjects) - 1
    if as_json:
        told = {"people": others + 1, "at": done.at, "settled_at": done.settled_at, "known": known}
        _print_json(told)
        return
    linked = f", and {others} linked to them" if others else ""
    print(f"forgotten{linked}; late events cannot bring them back")
    if not known:
        print(
            "  but the id is unknown: it is neither in the table nor in the archive. Check the spelling."
        )
    print(
        f"  hemline sweep takes them out of stored bytes; repeat it after {_time(done.settled_at)}"
    )


def sweep(
    *,
    most: Annotated[int, typer.Option(min=1, help="Objects read in one step.")] = 2000,
    as_json: AsJson = False,
) -> None:
    """Remove the forgotten from archive, quarantine and failed batches, old versions included."""
    from hemline.usecases.people.forget_archive import sweep_on
    from workbench import laptop
    from workbench.forget.places import sweep_deps

    total = sweep_on(sweep_deps(laptop.running()), _now(), _go_on, most=most)
    _tell_swept(total, as_json=as_json)
    if total.unreadable:
        raise typer.Exit(1)


def _go_on() -> bool:
    print("  one step is done, going on", file=sys.stderr)
    return True


def _tell_swept(total: "Swept", *, as_json: bool) -> None:
    if as_json:
        _print_json(total)
        return
    print(f"{total.looked} looked at, {total.cleaned} rewritten, {total.deleted} versions deleted")
    print(f"  {total.settled} people are done, {total.waiting} wait until the stream has expired")
    for key in total.unreadable:
        print(f"  unreadable, so it cannot be searched: {key}", file=sys.stderr)


def verify_forgotten(
    name: Id,
    *,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail also on bytes that will expire by themselves.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Search every byte of every store for an id. Exit status: 0 clean, 1 found, 2 a bad call."""
    from workbench import laptop
    from workbench.forget import verify

    verdict = verify.verify(laptop.running(), name, _progress)
    _tell_verdict(verdict, strict=strict, as_json=as_json)
    if verdict.found or (strict and verdict.going):
        raise typer.Exit(1)


def _progress(place: str) -> None:
    print(f"  scanning {place}", file=sys.stderr)


def _tell_verdict(verdict: "ForgottenVerdict", *, strict: bool, as_json: bool) -> None:
    if as_json:
        _print_json({**_fields(verdict), "outcome": _outcome(verdict, strict=strict)})
        return
    for one in verdict.looked:
        print(
            f"  {one.place:28} {one.pieces:8} pieces {one.bytes:12} bytes, {one.unfolded} unfolded"
        )
    for hit in verdict.found:
        print(f"FOUND in {hit.place}: {_where(hit)}")
    for hit in verdict.going:
        print(f"  still in {hit.place}: {_where(hit)}; goes {hit.goes}")
    for note in verdict.notes:
        print(f"  {note}")
    print(_outcome(verdict, strict=strict))


def _where(hit: "ScanMatch") -> str:
    inside = f" inside {' > '.join(hit.inside)}" if hit.inside else ""
    return f"{hit.piece}, {hit.spelling}{inside}"


def _outcome(verdict: "ForgottenVerdict", *, strict: bool) -> str:
    """The last line: the reason for the exit status, with the number of hits."""
    if verdict.found:
        hits = _count(len(verdict.found), "hit")
        return f"found: {hits} that nothing takes away by itself"
    if not verdict.going:
        return "clean"
    last = max(hit.goes for hit in verdict.going)
    waiting = f"{_count(len(verdict.going), 'hit')} going by themselves, the last one {last}"
    return f"found: {waiting} (--strict)" if strict else f"clean but for {waiting}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"


def _time(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M}Z"


def _now() -> int:
    return time.time_ns() // 1_000_000


def _fields(value: "ForgottenVerdict") -> dict[str, object]:
    return {name: getattr(value, name) for name in value.__struct_fields__}


def _print_json(value: object) -> None:
    import msgspec

    print(msgspec.json.encode(value).decode())

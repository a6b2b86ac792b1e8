"""`hemline quarantine list|show|replay`: inspect and replay records that ingest could not process."""

import base64
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # heavy at run time: each command imports what it uses
    from collections.abc import Iterator

    from hemline.usecases.ingest.batch import IngestDeps
    from hemline.usecases.ingest.quarantine import QuarantinedRecord, QuarantineReplay

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Keys = Annotated[
    list[str] | None, typer.Argument(help="Keys or sequence numbers from `quarantine list`.")
]
_MOST_SHOWN = 4000
_WIDE = 100


def register(app: typer.Typer) -> None:
    """Hang `quarantine` on the app."""
    group = typer.Typer(help="Records that ingest could not process: list, show, replay.")
    group.callback()(_quarantine)
    group.command("list")(list_)
    group.command("show")(show)
    group.command("replay")(replay)
    app.add_typer(group, name="quarantine", no_args_is_help=True)


def _quarantine() -> None:
    """Records that ingest could not process: list, show, replay."""


def list_(*, as_json: AsJson = False) -> None:
    """Every record: day, shard, sequence number, size and reason."""
    from hemline.usecases.ingest import quarantine
    from workbench import laptop, stores

    found = quarantine.listed(stores.objects(laptop.running()))
    if as_json:
        _print_json({"quarantine": [_figures(kept) for kept in found]})
        return
    count = 0
    for kept in found:
        count += 1
        reason = quarantine.safe(kept.reason)[:_WIDE]
        where = f"{kept.day}  {kept.shard}  {kept.sequence}"
        print(f"{quarantine.safe(where)}  {len(kept.payload):,} bytes  {reason}")
    print(f"{count:,} in quarantine" if count else "nothing is in quarantine")


def show(key: str, *, as_json: AsJson = False) -> None:
    """One record's reason and payload. With --json the whole payload, in base64."""
    from hemline.usecases.ingest import quarantine
    from workbench import laptop, stores

    kept = quarantine.named(stores.objects(laptop.running()), key)
    if as_json:
        payload = base64.b64encode(kept.payload).decode()
        _print_json({**_figures(kept), "payload": payload})
        return
    print(f"{quarantine.safe(kept.key)}\n{quarantine.safe(kept.reason)}\n")
    text = quarantine.readable(kept.payload)
    print(text[:_MOST_SHOWN])
    if len(text) > _MOST_SHOWN:
        print(f"… {len(text) - _MOST_SHOWN:,} more characters: --json has all of it")


def replay(
    keys: Keys = None,
    *,
    all_: Annotated[bool, typer.Option("--all", help="Everything in quarantine.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the result, write nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Ingest records after a fix; each counts once. Exit status 1 when a record stays."""
    from hemline.model.errors import BadInput
    from hemline.usecases.ingest import quarantine

    if bool(keys) == all_:
        raise BadInput(
            "key", "is missing.", "Name keys from hemline quarantine list, or use --all."
        )
    with _deps() as deps:
        chosen = (
            [quarantine.named(deps.objects, key) for key in dict.fromkeys(keys)]
            if keys
            else list(quarantine.listed(deps.objects))
        )
        now = time.time_ns() // 1_000_000
        done = [
            quarantine.foresee(kept, deps) if dry_run else quarantine.replay(kept, deps, now)
            for kept in _with_progress(chosen)
        ]
    _print_result(done, dry_run=dry_run, as_json=as_json)
    raise typer.Exit(1 if any(one.stays for one in done) else 0)


def _print_result(done: "list[QuarantineReplay]", *, dry_run: bool, as_json: bool) -> None:
    import msgspec

    from hemline.usecases.ingest.quarantine import safe

    staying = sum(one.stays for one in done)
    if as_json:
        rows = [msgspec.to_builtins(one) for one in done]
        left = len(done) - staying
        _print_json({"dry_run": dry_run, "settled": left, "stay": staying, "records": rows})
        return
    for one in done:
        print(safe(f"{one.key}  {one.outcome}  {one.reason}").rstrip())
    verb = "would leave" if dry_run else "left"
    print(f"{len(done) - staying:,} {verb} quarantine, {staying:,} stay")


@contextmanager
def _deps() -> "Iterator[IngestDeps]":
    from hemline.usecases.ingest.batch import IngestDeps
    from workbench import laptop, stores

    stack = laptop.running()
    # One record at a time needs one writer.
    with ThreadPoolExecutor(1) as pool:
        kept = stores.table(stack), stores.objects(stack)
        yield IngestDeps(stack.site, *kept, pool, stores.secrets(stack))


def _with_progress(chosen: "list[QuarantinedRecord]") -> "Iterator[QuarantinedRecord]":
    """Yield each record, with a progress bar on a terminal."""
    from rich.console import Console
    from rich.progress import track

    watched = sys.stderr.isatty() and len(chosen) > 1
    console = Console(stderr=True)
    yield from track(chosen, "replaying", console=console, disable=not watched)


def _figures(kept: "QuarantinedRecord") -> dict[str, object]:
    return {
        "key": kept.key,
        "day": kept.day,
        "shard": kept.shard,
        "sequence": kept.sequence,
        "reason": kept.reason,
        "size": len(kept.payload),
    }


def _print_json(value: object) -> None:
    import msgspec

    print(msgspec.json.encode(value).decode())

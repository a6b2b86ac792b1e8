"""The `hemline` command: one typer app, to which each area of the workbench adds its commands.

Importing an area is cheap: a command imports what is heavy (boto3, onnxruntime, lightgbm) itself.
Exit status: 0 done, 1 a check failed, 2 a wrong call.
"""

import sys
from collections.abc import Sequence
from importlib import metadata

import typer

from models import commands as models
from workbench.bench import commands as bench
from workbench.brake import commands as brake
from workbench.cloud import commands as cloud
from workbench.contracts import schemas
from workbench.demo import commands as demo
from workbench.forget import commands as forget
from workbench.importers import commands as importers
from workbench.people import commands as people
from workbench.publish import commands as publish
from workbench.quarantine import commands as quarantine
from workbench.receipts import commands as receipts
from workbench.refusals import CHECK_FAILED, as_json, refusal_of, say
from workbench.report import commands as report
from workbench.soak import commands as soak

AREAS = (
    cloud,
    importers,
    publish,
    brake,
    forget,
    people,
    quarantine,
    models,
    bench,
    demo,
    schemas,
    receipts,
    report,
    soak,
)


def build() -> typer.Typer:
    """The whole app, every area registered."""
    app = typer.Typer(
        name="hemline",
        invoke_without_command=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    for area in AREAS:
        area.register(app)
    return app


def _options(
    context: typer.Context,
    *,
    version: bool = typer.Option(False, "--version", help="Print the version and stop."),
) -> None:
    """Serverless edge personalisation: run, import, train, evaluate, publish."""
    if version:
        print(metadata.version("hemline"))
    elif context.invoked_subcommand is None:
        print(context.get_help())


def main() -> None:
    """Entry point of the console script."""
    sys.exit(call(sys.argv[1:]))


def call(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status. Errors that a caller can fix print one sentence."""
    to_machine = as_json(arguments)
    try:
        # Not standalone: typer would print wrong calls itself, never as JSON.
        status = build()(list(arguments), prog_name="hemline", standalone_mode=False)
    except typer.Abort:
        print("Aborted!", file=sys.stderr)
        return CHECK_FAILED
    except Exception as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        say(error, refusal, to_machine=to_machine)
        return refusal.status
    return status if isinstance(status, int) else 0


if __name__ == "__main__":
    main()

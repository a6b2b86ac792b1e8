"""The `hemline` command: one typer app that each area of the workbench hangs its commands on.

Areas are light at import; what is heavy (boto3, onnxruntime, lightgbm) is imported in the command.
Exit status: 0 done, 1 a check fell short, 2 a bad call.
"""

import json
import sys
from importlib import metadata

import typer

from hemline.model.errors import BadInput, HemlineError
from models import commands as models
from workbench import schemas
from workbench.bench import commands as bench
from workbench.brake import commands as brake
from workbench.cloud import commands as cloud
from workbench.demo import commands as demo
from workbench.forget import commands as forget
from workbench.importers import commands as importers
from workbench.laptop import NotRunning
from workbench.people import commands as people
from workbench.publish import commands as publish
from workbench.quarantine import commands as quarantine
from workbench.receipts import commands as receipts
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
    """Entry point of the console script: our own errors become one line, not a traceback."""
    try:
        build()()
    except (HemlineError, NotRunning) as error:
        print(f"hemline: {error}", file=sys.stderr)
        if "--json" in sys.argv:  # who asked for JSON reads standard output, whatever happened
            print(json.dumps({"error": type(error).__name__, "message": str(error)}))
        sys.exit(2 if isinstance(error, BadInput | NotRunning) else 1)


if __name__ == "__main__":
    main()

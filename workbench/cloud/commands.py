"""`hemline run`: the local cloud from the command line. Heavy imports stay inside the command."""

import asyncio
import sys

import typer

from workbench.laptop import DEFAULT_PORT


def register(app: typer.Typer) -> None:
    """Hang the command on the app."""
    app.command("run")(run)


def run(
    *,
    port: int = typer.Option(DEFAULT_PORT, envvar="PORT", help="Port of the shop and the API."),
    seed: bool = typer.Option(True, help="Fill the demo shop when nothing is published yet."),
    ask_first: bool = typer.Option(False, help="Remember visitors only after they agreed."),
    raw: bool = typer.Option(
        False, help="Show log lines as CloudWatch receives them, with metrics."
    ),
) -> None:
    """Start the whole stack on this machine; Ctrl-C stops it and keeps its state."""
    from workbench.cloud.built import BuildError
    from workbench.cloud.emulator import EmulatorError
    from workbench.cloud.local import RunOptions, run_stack
    from workbench.cloud.parts import StartRefusal
    from workbench.cloud.runtime import WorkerError
    from workbench.cloud.screen import Screen

    try:
        asyncio.run(run_stack(RunOptions(port, seed=seed, ask_first=ask_first), Screen(raw=raw)))
    except StartRefusal as refusal:
        print(f"hemline: {refusal}", file=sys.stderr)
        raise typer.Exit(2) from None
    except (BuildError, EmulatorError, WorkerError) as error:
        print(f"hemline: {error}", file=sys.stderr)
        raise typer.Exit(1) from None

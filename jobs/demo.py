"""`encore demo`: simulate a service and run everything on it."""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


from typing import Annotated

import typer

from jobs.console.options import PROFILE, EngineOption, ModelsOption, SimulatedOption, kinds_of
from jobs.console.progress import say, start_step
from jobs.console.session import folder_on_disk, locked, open_context
from jobs.run import run
from jobs.simulate import simulate, summary

EXAMPLE = "encore demo --customers 5000"


def command(
    data: Annotated[str, typer.Option(help="Data folder.")] = "encore-demo",
    service: SimulatedOption = "music",
    customers: Annotated[int, typer.Option(min=1, help="Number of customers.")] = 20_000,
    model: ModelsOption = None,
    engine: EngineOption = None,
) -> None:
    """Simulate a service and run everything on it."""
    folder = folder_on_disk("--data", data)
    context, kinds = open_context(data, service, PROFILE, engine), kinds_of(model)
    with locked(context):
        with start_step("simulate") as step:
            step.done(summary(simulate(folder, customers, days=None, seed=1, service=service)))
        run(context, start_step, models=kinds)
    for name in ("features", "models", "scores"):
        say(f"{name:<9} {(folder / name).absolute()}")
    say(f"report    {(folder / 'report' / 'index.html').absolute()}")

"""Running a command as a program: errors in one line, the right exit code, and the entry for spark-submit."""

import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conf.errors import RankError
from jobs.console.interrupt import ending_at_signals
from jobs.console.problems import in_words, with_windows
from jobs.printable import printable


def run_program(program: Callable[[], Any]) -> None:
    """Call a program; end the process with the exit code of an error, which is said in one line."""
    try:
        with ending_at_signals():
            program()
    except Exception as error:
        said = in_words(error)
        if said:
            if isinstance(error, RankError) and error.trace:
                print(error.trace, file=sys.stderr)
            print(f"encore: {printable(' '.join(with_windows(str(said)).split()))}", file=sys.stderr)
            sys.exit(said.exit_code)
        traceback.print_exc()
        print(
            f"encore: a defect of Encore ({type(error).__name__}); please report it with the lines above",
            file=sys.stderr,
        )
        sys.exit(1)


def run_script(script: str) -> None:
    """Run the command of a script that spark-submit has started, with this process's arguments; ends the process."""
    here = Path(script).resolve().parent
    # Python looks there first for a script's imports, and would take jobs/features.py for the package `features`.
    sys.path[:] = [folder for folder in sys.path if Path(folder or ".").resolve() != here]
    from jobs.console.commands import command_modules

    name = Path(script).stem.replace("_", "-")
    run_program(lambda: command_modules()[name].loaded(prog_name=f"encore {name}"))
    sys.exit(0)

"""`spark-submit jobs/<command>.py …`: a command's module run as a script is that command."""

import sys
from pathlib import Path


def submit(script: str) -> None:
    """Run the command of a script with the arguments of this process, and end the process."""
    here = Path(script).resolve().parent
    # Python looks there first for a script's imports, and would take jobs/features.py for the package `features`.
    sys.path[:] = [folder for folder in sys.path if Path(folder or ".").resolve() != here]
    from jobs.cli import main

    sys.argv[1:1] = [Path(script).stem.replace("_", "-")]
    main()
    sys.exit(0)

"""`horovodrun -np 2 python -m jobs.training.rank FOLDER`: ranks from the shell, on machines that need no Spark.

FOLDER is what `encore train-keras --rows-only` has written; `encore train-keras --resume` takes up what they leave in
it. Exit code 0 when it is fitted, 1 where this rank has failed.
"""

import os
import sys
from functools import partial
from pathlib import Path

from models.network.fit import fit_network
from models.network.launch import RankFailure, run_rank


def main() -> int:
    """Be a rank of the Horovod job around this process."""
    threads = max(1, (os.cpu_count() or 1) // int(os.environ.get("HOROVOD_LOCAL_SIZE", "1")))
    found = run_rank(partial(fit_network, Path(sys.argv[1])), threads)
    if isinstance(found, RankFailure):
        print(found.trace, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

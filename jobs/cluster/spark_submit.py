"""`shell/submit.sh`: the line of spark-submit that runs a command on a cluster."""

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, get_args

import pyspark
import typer

from conf.errors import EncoreError, UsageError
from conf.load import load_profile
from conf.profile import DeployMode, Profile
from jobs.console.commands import command_modules

JOBS = Path(__file__).parents[1]
ROOT = JOBS.parent
PACKAGE = ROOT / "dist"
UNPACKED = "environment"  # the folder, where an executor works, that Spark unpacks the environment into
PER_FILE = ("--service", "--profile")  # options whose value may be a file of this machine
STANDALONE, YARN, KUBERNETES = "spark://", "yarn", "k8s://"


@dataclass(frozen=True)
class Submission:
    """What is submitted.

    profile: a name or path; environment: of Python, an archive, by default the one of `shell/package.sh`, or a folder
    that is the same on every node; conf: `key=value`, which wins over the profile; where: settings that win over all.
    """

    command: str
    arguments: tuple[str, ...] = ()
    profile: str = "cluster"
    environment: str | None = None
    properties_file: str | None = None
    conf: tuple[str, ...] = ()
    where: dict[str, str] = field(default_factory=dict)

    def line(self, spark_submit: str, python: str = sys.executable) -> list[str]:
        """The words of the line. `python` runs the driver, where that is here. Raises UsageError."""
        script = JOBS / f"{self.command.replace('-', '_')}.py"
        if not is_submittable(self.command):
            known = ", ".join(filter(is_submittable, command_modules()))
            raise UsageError(f"{self.command}: there is no such command to submit; give {known}")
        profile = load_profile(self.profile)
        settings = self._settings(profile, python)
        master, mode = settings.pop("spark.master"), settings.pop("spark.submit.deployMode")
        arguments, files = self._arguments(mode == "cluster")
        options = {
            "--master": master,
            "--deploy-mode": mode,
            "--name": f"encore {self.command}",
            "--properties-file": self.properties_file,
            "--py-files": str(PACKAGE / "encore.zip"),
            "--archives": None if self._is_on_nodes else f"{self._environment}#{UNPACKED}",
            "--files": ",".join(files) or None,
        }
        said = [word for option, value in options.items() if value for word in (option, value)]
        said += [word for key, value in settings.items() for word in ("--conf", f"{key}={value}")]
        return [spark_submit, *said, str(script), *arguments]

    def _settings(self, profile: Profile, python: str) -> dict[str, str]:
        """All settings of Spark, the master and the mode among them."""
        known = {"spark.submit.deployMode": "client"} | profile.spark_settings() | self._of_line()
        master, mode = known.get("spark.master"), known["spark.submit.deployMode"]
        if not master:
            raise UsageError(
                f"no master: give --master spark://HOST:7077, yarn or k8s://HOST, name one in the profile "
                f"{self.profile}, or start a cluster on this machine by shell/cluster.sh start"
            )
        if not master.startswith((STANDALONE, YARN, KUBERNETES)):
            raise UsageError(f"--master {master}: give spark://HOST:PORT, yarn or k8s://HOST:PORT")
        if mode not in get_args(DeployMode):
            raise UsageError(f"--deploy-mode {mode}: give {' or '.join(get_args(DeployMode))}")
        if mode == "cluster" and master.startswith(STANDALONE):
            raise UsageError(f"--deploy-mode cluster: {master} runs no Python drivers; use --deploy-mode client")
        worker = f"{self._environment if self._is_on_nodes else './' + UNPACKED}/bin/python"
        own = {"spark.pyspark.python": worker, "spark.pyspark.driver.python": worker if mode == "cluster" else python}
        if mode == "client":  # Spark's own messages would hide those of the command
            own["spark.driver.extraJavaOptions"] = f"-Dlog4j2.configurationFile=file:{ROOT / 'conf/log4j2.properties'}"
        return own | known

    def _of_line(self) -> dict[str, str]:
        found = {}
        for text in self.conf:
            key, is_given, value = text.partition("=")
            if not (is_given and key.startswith("spark.")):
                raise UsageError(f"--conf {text}: give a setting of Spark as spark.key=value")
            found[key] = value
        return found | self.where

    def _arguments(self, is_elsewhere: bool) -> tuple[list[str], list[str]]:
        """The command's arguments, and files of this machine that have to go along where the driver runs elsewhere."""
        given = list(self.arguments)
        if "--profile" not in given:
            given += ["--profile", self.profile]
        places = [at + 1 for at, word in enumerate(given[:-1]) if word in PER_FILE and Path(given[at + 1]).is_file()]
        files = [str(Path(given[at]).resolve()) for at in places]
        for at, file in zip(places, files, strict=True):
            given[at] = Path(file).name if is_elsewhere else file
        return given, files if is_elsewhere else []

    @property
    def _environment(self) -> str:
        return self.environment or str(PACKAGE / "environment.tar.gz")

    @property
    def _is_on_nodes(self) -> bool:
        return not self._environment.endswith((".tar.gz", ".tgz", ".tar", ".zip"))


def is_submittable(name: str) -> bool:
    """Whether a cluster can run a command: it takes a profile, which says where Spark runs."""
    command = command_modules().get(name)
    return command is not None and any(option.name == "profile" for option in command.loaded.params)


def spark_submit() -> str:
    """The spark-submit of SPARK_HOME, or else of pip's Spark."""
    return str(Path(os.environ.get("SPARK_HOME") or pyspark.__path__[0]) / "bin" / "spark-submit")


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}, no_args_is_help=True)
def submit(
    command: Annotated[str, typer.Argument(help="A command of Encore, such as rollup or run.")],
    arguments: Annotated[list[str] | None, typer.Argument(help="Its arguments.")] = None,
    master: Annotated[
        str | None, typer.Option(help="spark://HOST:PORT, yarn or k8s://HOST. (default: the profile's)")
    ] = None,
    deploy_mode: Annotated[DeployMode | None, typer.Option(help="Where the driver runs.")] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="Name in conf/profiles/, or path. (default: cluster, or that of shell/cluster.sh)"),
    ] = None,
    conf: Annotated[list[str] | None, typer.Option(help="A setting of Spark; may be repeated.")] = None,
    environment: Annotated[
        str | None,
        typer.Option(help="Of Python: an archive, or a folder on every node. (default: what package.sh made)"),
    ] = None,
    properties_file: Annotated[str | None, typer.Option(help="As of spark-submit: the place for secrets.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the line.")] = False,
) -> None:
    """Run a command of Encore by spark-submit, and print the line that does it."""
    where = {"spark.master": master, "spark.submit.deployMode": deploy_mode}
    own = Path(os.environ.get("ENCORE_CLUSTER") or ROOT / ".cluster").absolute()
    if not (master or profile) and (own / "profile.yaml").is_file():
        profile, properties_file = str(own / "profile.yaml"), properties_file or str(own / "submit.conf")
    asked = Submission(
        command,
        tuple(arguments or ()),
        profile or "cluster",
        environment,
        properties_file,
        tuple(conf or ()),
        {key: value for key, value in where.items() if value},
    )
    line = asked.line(spark_submit())
    if dry_run:
        print(shlex.join(line))
        return
    packed = subprocess.run(["bash", str(ROOT / "shell" / "package.sh"), str(PACKAGE)])
    if packed.returncode:
        sys.exit(packed.returncode)
    print(shlex.join(line), file=sys.stderr, flush=True)
    os.execv(line[0], line)


def main() -> None:
    """The program behind `shell/submit.sh`."""
    try:
        app()
    except EncoreError as error:
        print(f"submit: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()

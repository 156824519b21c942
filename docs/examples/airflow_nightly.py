"""Encore every night, in Airflow 3: put this file into its folder of DAGs, and the four names below to rights.

Each task is one command by spark-submit. A command does only what is not done yet, and leaves every partition wholly
old or wholly new, so that a task may be killed and tried again at any moment; two at a time are refused. A model is
fitted on Sundays. Drift ends with exit code 4 when it is above its limits: that task fails, which tells somebody, and
the others go on.
"""

from datetime import datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import BranchPythonOperator
from airflow.sdk import DAG

CHECKOUT = "/opt/encore"
RAW = "/logs/music"  # what the service leaves every day, on the machine where tasks run
LOCAL = "/var/lib/encore/music"  # where it is unpacked
DATA = "hdfs:///encore/music"

SUBMIT = f"bash {CHECKOUT}/shell/submit.sh --master yarn"
WHERE = f"--service music --data {DATA}"


def tonight(logical_date: datetime) -> list[str]:
    """What comes after the features."""
    return ["train", "score"] if logical_date.isoweekday() == 7 else ["score"]


def command(name: str) -> BashOperator:
    """A command of Encore on the cluster; it runs, too, where what comes before it is skipped."""
    return BashOperator(task_id=name, bash_command=f"{SUBMIT} {name} {WHERE}", trigger_rule="none_failed")


with DAG(
    "encore_music_nightly",
    description="From the music service's archives to whom to contact, and the page about it",
    schedule="30 3 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,  # one run takes all days that are new
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=10)},
):
    unpack = BashOperator(
        task_id="unpack",
        bash_command=f"{CHECKOUT}/.venv/bin/encore unpack --service music --raw {RAW} --data {LOCAL}",
    )
    land = BashOperator(  # only what is new is copied; what is gone from the archives goes here, too
        task_id="land", bash_command=f"hadoop distcp -update -delete file://{LOCAL}/landing {DATA}/landing"
    )
    ingest, rollup, features, train, score, drift, recommend, report = map(
        command, ["ingest", "rollup", "features", "train", "score", "drift", "recommend", "report"]
    )
    sunday = BranchPythonOperator(task_id="sunday", python_callable=tonight)

    unpack >> land >> ingest >> rollup >> features >> sunday >> [train, score]
    train >> score >> [drift, recommend]
    recommend >> report

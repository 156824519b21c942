"""`encore init`: write the service of your own files, after a look at them."""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


import re
from collections.abc import Iterator
from typing import Annotated

import typer

from conf.errors import UsageError
from conf.load import load_service
from jobs.console.session import folder_on_disk
from jobs.console.tables import print_line, print_table
from jobs.formatting import percent, plural
from jobs.onboarding.columns import Column
from jobs.onboarding.draft import Draft, drafted
from jobs.onboarding.look import Look, Looked, given_files, look_at
from jobs.onboarding.service_text import service_text

EXAMPLE = "encore init shop --from /logs/shop --output shop.yaml"


def command(
    name: Annotated[str, typer.Argument(help="Name of the service, such as shop.")],
    files: Annotated[
        list[str], typer.Option("--from", help="Raw files, or folders of them, of one layout; may be repeated.")
    ],
    output: Annotated[str | None, typer.Option(help="File to write. (default: NAME.yaml)")] = None,
) -> None:
    """Write the service of your own files, after a look at them.

    Looks at the beginning, the middle and the end of the first and the last file, prints what it concludes and from
    which records, and writes a service with TODO where it could not decide. Go on with `encore check`.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
        raise UsageError(f"init {name}: give a name of letters, digits, _ and -, such as shop")
    target = folder_on_disk("--output", output or f"{name}.yaml")
    if target.exists():
        raise UsageError(f"init: {target} is there already; give another --output, or remove it first")
    draft = drafted(look_at(given_files([folder_on_disk("--from", file) for file in files])))
    target.write_text(service_text(name, draft), encoding="utf-8")
    try:
        load_service(str(target.absolute()))
    except UsageError as error:
        draft.todo["service"] = str(error)
    for line in _conclusions(draft):
        print_line(line)
    print_table(
        "columns",
        ["column", "field", "what it is", "values", "missing", "unreadable"],
        [_column(draft, column) for column in draft.columns],
    )
    for key, what in draft.todo.items():
        print_line(f"TODO      {key}: {what}")
    raw = draft.look.files[0].parent
    print_line(f"written   {target}; go on with: encore check {target} --raw {raw}")


def _conclusions(draft: Draft) -> Iterator[str]:
    look, roles = draft.look, draft.roles
    yield f"files     {plural(len(look.files), 'file')}; looked at:"
    yield from (f"          {_file(one)}" for one in look.looked)
    if customer := roles.customer:
        different = plural(len(customer.counts), "different one")
        yield f"customer  {customer.source}: {different}{_first(look, customer, customer.texts[0])}"
    if (time := roles.time) and time.time:
        clock = f" and {roles.clock.source} ({roles.clock.clock})" if roles.clock else ""
        why = f"; {time.time.why}" if time.time.why else ""
        yield f"time      {time.source} ({time.time.format}){clock}{why}{_first(look, time, time.time.example)}"
    if draft.days:
        yield f"days      {draft.days[0]} to {draft.days[1]}" + ("" if roles.time else ", from the names of the files")
    marks = draft.marks
    if marks.decimal != "." or marks.thousands:
        yield f"numbers   decimal mark {marks.decimal}  thousands mark {marks.thousands or 'none'}"
    if roles.event_of:
        counts_of = ", ".join(f"{value} {count:,}" for value, count in roles.events.items())
        others = len(roles.event_of.counts) - len(roles.events)
        more = f"; {plural(others, 'rarer value')} left out" if others else ""
        yield f"events    told apart by {roles.event_of.source}: {counts_of}{more}"
    for name in look.names:
        if file := look.missing_in(name):
            yield f"warning   the column {name} is not in {file}"


def _file(one: Looked) -> str:
    records = one.records
    parts = [records.format, one.packing, "" if records.format == "Parquet" else one.encoding.name]
    if records.format == "CSV":
        header = "" if records.has_header else ", no header"
        parts.append(f"separator {records.separator!r}, quote {records.quote}{header}")
    read = plural(len(records.rows), "record") + ("" if one.is_whole else " of its beginning, middle and end")
    if records.unreadable:
        total = records.unreadable + len(records.rows)
        read += f", {records.unreadable:,} unreadable ({percent(records.unreadable / total)})"
    return f"{one.name}: {', '.join(part for part in parts if part)}; {read}"


def _first(look: Look, column: Column, text: str) -> str:
    return f"; {text} in {look.place(column.example_row(text))}"


def _column(draft: Draft, column: Column) -> list[str]:
    is_personal = column in draft.roles.personal
    values = "(not shown)" if is_personal else "; ".join(text for text, _ in column.counts.most_common(3))
    wrong = draft.unreadable(column)
    share = f"{percent(len(wrong) / len(column.texts))}: {'; '.join(dict.fromkeys(wrong[:3]))}" if wrong else "none"
    missing = percent(column.missing) + (f", as {', '.join(column.markers)}" if column.markers else "")
    return [column.source, column.field, _role(draft, column), values, missing, share]


def _role(draft: Draft, column: Column) -> str:
    roles = draft.roles
    named = {
        "customer": roles.customer, "time": roles.time, "time of day": roles.clock, "quantity": roles.quantity,
        "item": roles.item, "name of the item": roles.item_name, "order": roles.order, "session": roles.session,
        "kind of event": roles.event_of,
    }  # fmt: skip
    if found := next((role for role, one in named.items() if one is column), ""):
        return found
    several = {"amount": roles.amounts, "duration": roles.durations, "personal, not read": roles.personal}
    if found := next((role for role, columns in several.items() if column in columns), ""):
        return found
    if column.time or not column.rows:
        return f"{'another time' if column.time else 'empty'}, not read"
    is_read = any(column in event.columns for event in draft.events)
    return ("number" if column.is_number else "text") + ("" if is_read else ", not read")

"""A draft of a service as commented YAML."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence

import yaml

from jobs.onboarding import numbers
from jobs.onboarding.columns import Column
from jobs.onboarding.draft import Draft, DraftEvent, files_pattern, is_price_of_one
from jobs.onboarding.records import SEPARATORS
from jobs.onboarding.roles import Roles

PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*(?: [A-Za-z0-9_.-]+)*")
WIDTH = 120
MOST_WITHOUT_CUSTOMER = 0.001  # of the records: without a condition, more of them would soon be too many rejected ones
CURRENCIES = {
    "€": "EUR", "$": "USD", "£": "GBP", "eur": "EUR", "euro": "EUR", "usd": "USD", "dollar": "USD", "dollars": "USD",
    "gbp": "GBP", "chf": "CHF",
}  # fmt: skip


def service_text(name: str, draft: Draft) -> str:
    """The YAML file of a draft."""
    return "\n".join(_lines(name, draft)) + "\n"


_TARGETING = (
    "# For a contact list; the amounts are yours to give:",
    "# targeting:",
    "#   aim: convert  # those likely to come back; `keep` contacts those likely to leave",
    "#   currency: EUR",
    "#   cost_of_contact: 0.5",
    "#   value_of_customer: 30.0",
    "#   lift: 0.1  # by which a contact raises the probability of coming back",
)
UNITS = {
    frozenset({"min", "minute", "minutes", "minuten"}): "minutes",
    frozenset({"s", "sec", "secs", "second", "seconds", "sekunden"}): "seconds",
    frozenset({"h", "hour", "hours", "stunden"}): "hours",
}  # of durations, by words in the names of columns


def _lines(name: str, draft: Draft) -> Iterator[str]:
    windows, main = draft.windows, draft.main
    yield f"# Written by `encore init` after a look at {_names(draft)}."
    if draft.todo:
        yield "# Decide the lines with TODO, then run `encore check` with this file and --raw."
    yield f"title: {_scalar(name.replace('_', ' ').capitalize())}"
    known = f"the records that were looked at go from {draft.days[0]} to {draft.days[1]}" if draft.days else ""
    yield _commented(
        f"windows: {{observation_days: {windows.observation_days}, outcome_days: {windows.outcome_days}}}",
        draft, "windows", known,
    )  # fmt: skip
    yield ""
    yield "events:"
    for event in draft.events:
        yield from (f"  {line}" for line in _event(draft, event))
    yield ""
    yield "use:  # features; `encore check --expanded` shows them"
    for event in draft.events:
        yield from (f"  {line}" for line in _use(draft, event))
    yield ""
    if main.is_purchase:
        yield f"label: {{name: bought_again, when: {main.counted_by} > 0, one_if: present}}"
    else:
        yield "label: {name: churn, when: events > 0, one_if: absent}  # 1: no event of any kind"
    yield ""
    yield from _TARGETING
    of_titles = next((event for event in draft.events if draft.roles.item in event.columns), None)
    if of_titles and (item := draft.roles.item):
        source = f"title: {item.field}" + (f", name: {named.field}" if (named := draft.roles.item_name) else "")
        yield ""
        yield "# Recommendations, by `encore recommend` and on the page of `encore run`:"
        yield "# interactions:"
        yield "#   sources:"
        yield f"#     {of_titles.name}: {{{source}, measures: {{{of_titles.counted_by}: {{sql: count(*)}}}}}}"
        yield f"#   strength: {of_titles.counted_by}"


def _event(draft: Draft, event: DraftEvent) -> Iterator[str]:
    yield f"{event.name}:"
    if event is draft.events[0]:
        yield "  landing:"
        yield from (f"    {line}" for line in _landing(draft, event))
    else:
        where = _scalar(_where(draft, event))
        yield f"  landing: {{lines_of: {draft.events[0].name}, where: {where}}}"
    yield "  columns:"
    for column in event.columns:
        yield from (f"    {line}" for line in _column(draft, column))
    markers = sorted({marker for column in event.columns for marker in column.markers})
    if markers:
        shown = ", ".join(map(json.dumps, ["", "NULL", r"\N", "NaN", "None", "N/A", *markers]))
        yield f"  null_markers: [{shown}]"
    kept = "drop" if draft.has_clock else "keep"
    why = "equal lines are one event" if draft.has_clock else "without a time of day, equal lines may be several events"
    yield f"  duplicates: {kept}  # {why}"
    yield "  measures:"
    yield from (f"    {line}" for line in _measures(draft, event))


def _landing(draft: Draft, event: DraftEvent) -> Iterator[str]:
    look, roles = draft.look, draft.roles
    records, encoding = look.first.records, look.first.encoding
    yield f"files: {json.dumps(files_pattern([path.name for path in look.files]), ensure_ascii=False)}"
    if draft.is_spaced:
        yield f"separator: {'space' if records.separator == ' ' else 'tab'}"
        if records.has_header:
            yield "header: 1"
    else:
        yield f"format: records  # {records.format}"
        if records.separator not in ("", ","):
            yield f"separator: {SEPARATORS[records.separator]}"
        if records.separator and records.quote != '"':
            yield f"quote: {json.dumps(records.quote)}"
        if not records.has_header and records.format == "CSV":
            yield f"column_names: [{', '.join(map(_scalar, records.names))}]  # of the files, which have no header"
        if records.comment:
            yield f"comment: {json.dumps(records.comment)}"
        if encoding.name != "utf-8" and not encoding.has_mark:
            yield _commented(f"encoding: {encoding.name}", draft, "encoding")
        if draft.marks.decimal != ".":
            yield f"decimal: {json.dumps(draft.marks.decimal)}"
        if draft.marks.thousands:
            yield _commented(f"thousands: {json.dumps(draft.marks.thousands)}", draft, "thousands")
        if roles.time and roles.time.time and roles.time.time.has_offset:
            yield "zone: UTC  # of the shop, in which days are counted, such as Europe/Berlin"
    customer, time = roles.customer, roles.time
    if customer:
        yield _commented(f"customer: {customer.field}", draft, "customer", _customer_source(draft, customer))
    day, of_name = (time.field, "") if time else ("name", "the date in the name of a file or its folder")
    yield _commented(f"day: {day}", draft, "day", of_name)
    yield from _fields(draft)
    if where := _where(draft, event):
        nobody = event.without_customer
        yield f"where: {_scalar(where)}" + (f"  # {nobody:.1%} of them have no customer" if nobody else "")


def _customer_source(draft: Draft, customer: Column) -> str:
    return f"{len(customer.counts):,} of them in the {len(draft.look.rows):,} records"


def _fields(draft: Draft) -> Iterator[str]:
    if draft.is_spaced:
        yield f"fields: [{', '.join(column.field for column in draft.columns)}]"
        return
    wanted = {column for event in draft.events for column in event.columns}
    columns = [column for column in draft.columns if column in wanted and column is not draft.roles.clock]
    yield _commented("fields:", draft, "fields")
    for column in columns:
        yield f"  {column.field}: {_source(draft, column)}"
    others = [column for column in draft.columns if column not in columns and column is not draft.roles.clock]
    if others:
        shown = [_not_read(draft, column) for column in others]
        text = f"  # not read: {', '.join(shown)}"
        yield text if len(text) < WIDTH else f"{text[: WIDTH - 3]}..."


def _not_read(draft: Draft, column: Column) -> str:
    reason = " (personal)" if column in draft.roles.personal else " (a time)" if column.time else ""
    return f"{' '.join(column.source.split())}{reason}"


def _source(draft: Draft, column: Column) -> str:
    roles = draft.roles
    source = _scalar(column.source)
    if column is not roles.time or column.time is None:
        return source
    format = column.time.format
    if roles.clock:
        clock = roles.clock.clock
        is_iso = format == "iso" and "%I" not in clock
        source = f"[{source}, {_scalar(roles.clock.source)}]"
        format = "iso" if is_iso else f"{'%Y-%m-%d' if format == 'iso' else format} {clock}"
        text = f"{{source: {source}}}" if is_iso else f"{{source: {source}, time: {json.dumps(format)}}}"
    elif format == "iso":
        return source
    else:
        shown = format if column.time.is_epoch else json.dumps(format)
        text = f"{{source: {source}, time: {shown}}}"
    return _commented(text, draft, "time")


def _where(draft: Draft, event: DraftEvent) -> str:
    column, customer = draft.roles.event_of, draft.roles.customer
    value = event.where.replace("\\", "\\\\").replace("'", "\\'")
    conditions = [f"{column.field} = '{value}'"] if column and event.where else []
    if customer and event.without_customer > MOST_WITHOUT_CUSTOMER:
        conditions.append(f"{customer.field} is not null")
    return " and ".join(conditions)


def _column(draft: Draft, column: Column) -> Iterator[str]:
    roles, name = draft.roles, column.field
    if column is roles.customer:
        whole = ", whole_numbers: true" if column.are_whole_ids_as_floats else ""
        why = f"  # {_float_id(column)} is {_float_id(column).partition('.')[0]}" if whole else ""
        yield f"customer_id: {{type: string, sql: {name}, required: true{whole}}}{why}"
    elif column is roles.time:
        if draft.has_clock:
            yield f"{name}: {{type: timestamp, sql: {name}, required: true}}"
    elif column in (roles.item, roles.order, roles.session):
        whole = ", whole_numbers: true" if column.are_whole_ids_as_floats else ""
        yield f"{_own(name)}: {{type: string, sql: {name}, is_id: true{whole}}}"
    elif column is not roles.clock and column is not roles.event_of:
        yield f"{_own(name)}: {{type: {_type(draft, column)}, sql: {name}}}"


def _own(name: str) -> str:
    """A name that is not that of the customer."""
    return "customer_id_2" if name == "customer_id" else name


def _float_id(column: Column) -> str:
    return next(text for text in column.texts if re.fullmatch(r"-?[0-9]+\.0+", text))


def _type(draft: Draft, column: Column) -> str:
    if column.counts.keys() <= {"true", "false", "True", "False", "TRUE", "FALSE"}:
        return "boolean"
    if not draft.is_read_as_number(column):
        return "string"
    if all(re.fullmatch(r"[-+]?[0-9]{1,17}", text) for text in column.texts if numbers.fits(text, draft.marks)):
        return "bigint"
    mark = re.escape(draft.marks.decimal)
    digits = [len(found[1]) for text in column.texts[:5_000] if (found := re.search(rf"{mark}([0-9]+)\D*$", text))]
    return f'"decimal(18,{min(max([2, *digits]), 6)})"'


def _measures(draft: Draft, event: DraftEvent) -> Iterator[str]:
    roles = draft.roles
    if event.has_returns and roles.quantity:
        yield f"{event.counted_by}: {{sql: count_if({roles.quantity.field} > 0)}}{_of_orders(roles)}"
        yield f"returns: {{sql: count_if({roles.quantity.field} < 0)}}  # negative quantities are returns"
    else:
        yield f"{event.counted_by}: {{sql: count(*)}}{_of_orders(roles)}"
    for name, sql in event.sums.items():
        of_one = [column for column in roles.amounts if is_price_of_one(column, roles) and column.field in sql]
        note = f"  # {of_one[0].source} is taken as the price of one piece" if of_one and "*" in sql else ""
        yield f"{name}: {{sql: {sql}}}{note}"


def _of_orders(roles: Roles) -> str:
    """A remark where several records are of one order."""
    order = roles.order
    is_repeated = order is not None and len(order.counts) < 0.95 * len(order.rows)
    return f"  # lines: several may be of one {order.source}" if order and is_repeated else ""


def _use(draft: Draft, event: DraftEvent) -> Iterator[str]:
    is_main = event is draft.events[0]
    presets = ["recency", "frequency", *(["monetary"] if event.sums else []), *(["gaps"] if is_main else []), "trend"]
    yield f"{event.name}:"
    yield f"  presets: [{', '.join(presets)}]"
    if event.has_returns:
        yield f"  count: {event.counted_by}"
    kinds = {name: kind for name in event.sums if (kind := _kind(draft, event, name))}
    if kinds:
        amounts = [f"{name}: {{{kinds.get(name, '')}}}" for name in event.sums]
        yield f"  amounts: {{{', '.join(amounts)}}}"


def _kind(draft: Draft, event: DraftEvent, name: str) -> str:
    """What the presets should know of a sum."""
    roles = draft.roles
    quantity, sql = roles.quantity, event.sums[name]
    if quantity and sql == f"sum({quantity.field})":
        return "" if quantity.has_negative or not quantity.is_whole else "kind: count"
    lasting = next((column for column in roles.durations if sql == f"sum({column.field})"), None)
    if lasting and not lasting.has_negative:
        unit = next((unit for words, unit in UNITS.items() if set(lasting.tokens) & words), "")
        return "kind: duration" + (f", unit: {unit}" if unit else "")
    paid = [column for column in roles.amounts if column.field in sql]
    return f"unit: {currency_of(paid[0]) or 'money'}, did: spent" if paid else ""


def currency_of(column: Column) -> str:
    """The currency that stands in its texts or in its name; empty if none does."""
    signs = Counter(sign for text in column.texts[:500] for sign in numbers.CURRENCY.findall(text))
    found = signs.most_common(1)[0][0].strip(". ") if signs else ""
    named = next((code for word, code in CURRENCIES.items() if word in column.tokens), "")
    return CURRENCIES.get(found.lower(), found) or named


def _commented(text: str, draft: Draft, key: str, else_text: str = "") -> str:
    """A line with what is to be decided, or else with a remark."""
    if todo := draft.todo.get(key):
        return f"{text}  # TODO {todo}"
    return f"{text}  # {else_text}" if else_text else text


def _names(draft: Draft) -> str:
    names: Sequence[str] = [one.name for one in draft.look.looked]
    ends = names[0] if len(names) == 1 else f"{names[0]} and {names[-1]}"
    return ends if len(draft.look.files) <= 2 else f"{ends}, of {len(draft.look.files):,} files"


def _scalar(text: str) -> str:
    """A text as YAML."""
    is_plain = PLAIN.fullmatch(text) and yaml.safe_load(text) == text
    return text if is_plain else json.dumps(text, ensure_ascii=False)
